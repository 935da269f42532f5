"""The one family of errors that reach a user.

What belongs here: error classes and the sentence they print. What does not: deciding when to raise one.
Every error names the thing, what was found, what was expected, and the next thing to do.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of everything that judges. Release flows depend on these numbers."""

    PROMOTE = 0
    REJECT = 1
    COULD_NOT_JUDGE = 2
    INCONCLUSIVE = 3


class WindtunnelError(Exception):
    """Base of all errors that are shown to a user without a traceback; its exit code is 2, never 1."""

    exit_code = ExitCode.COULD_NOT_JUDGE

    def __init__(self, thing: str, *, found: str, expected: str, next_step: str) -> None:
        """Name ``thing``, what was ``found``, what was ``expected``, and the ``next_step`` that mends it."""
        super().__init__(thing)
        self.thing = thing
        self.found = found
        self.expected = expected
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.thing}\n  found:    {self.found}\n  expected: {self.expected}\n  next:     {self.next_step}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.thing, self.found, self.expected, self.next_step))


def _rebuild(kind: type[WindtunnelError], thing: str, found: str, expected: str, next_step: str) -> WindtunnelError:
    return kind(thing, found=found, expected=expected, next_step=next_step)


class ParameterError(WindtunnelError):
    """``params.yaml`` cannot be read, or says something it must not."""


class DatasetError(WindtunnelError):
    """A dataset under ``data/`` is missing, incomplete or not what its manifest says."""


class LakeError(WindtunnelError):
    """The production lake cannot be read, or is not what was declared."""


class PinError(WindtunnelError):
    """``data/pin.json`` does not match the parameters, or the lake no longer matches the pin."""


class MaskingError(WindtunnelError):
    """A value or a policy cannot be masked as declared."""


class MaskingKeyError(MaskingError):
    """The masking key is missing, badly kept, or not the one the parameters name."""


class DisclosureError(WindtunnelError):
    """How easily people are found in masked data cannot be measured, or is more than the policy's limits allow."""


class LeakError(WindtunnelError):
    """A marker row's value stands where no raw value may be."""


class LeakSearchError(WindtunnelError):
    """A search for leaks cannot look at everything that it has to look at."""


class EngineError(MaskingError):
    """The engine that masks cannot be reached, or is not as it has to be."""


class SplitError(WindtunnelError):
    """A split is empty, moved, or cannot be computed."""


class ValidationError(WindtunnelError):
    """An expectation suite cannot be used. (Data that fails its suite is a report, not an error.)"""


class EvidenceError(WindtunnelError):
    """Evidence that a step depends on is missing or not passed."""


class FeatureError(WindtunnelError):
    """A feature is declared so that it cannot be computed, or would look into the future."""


class ModelError(WindtunnelError):
    """A model cannot be imported, fitted, stored or loaded."""


class EvaluationError(WindtunnelError):
    """Champion and challenger cannot be compared."""


class GateError(WindtunnelError):
    """A gate's criteria or its verdict cannot be used."""


class LedgerError(WindtunnelError):
    """The event log cannot be read or written, or is not the chain that was written."""


class RegistryError(WindtunnelError):
    """The model registry does not answer, or does not hold what the event log says."""


class SigningError(WindtunnelError):
    """A signature, a key or the list of who may sign cannot be used, or something is not signed as it has to be."""


class ReportError(WindtunnelError):
    """A report cannot be drawn from what is there."""


class StageError(WindtunnelError):
    """A pipeline stage is unknown, failed or was interrupted."""


class ProjectError(WindtunnelError):
    """A user's project cannot be made, or was made for another version of the package."""


class ServerError(WindtunnelError):
    """The workflow server, its worker or its deployments are not as needed."""


class WorktreeError(WindtunnelError):
    """A run's own git worktree cannot be made, used or landed."""
