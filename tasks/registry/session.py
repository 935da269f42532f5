"""Asking MLflow: a process of its own, one line of JSON to and fro for each question.

What belongs here: starting that process, its questions and what a silence means. What does not: what it does with MLflow
(``process``), and the rule by which an alias may move (``flows.promotion``).

MLflow takes seconds to import and keeps clients and keys by process, so it has one of its own, which imports while the verdict is
being verified and answers all questions of one command.
"""

import importlib.util
import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.errors import RegistryError
from tasks.registry.facts import RunFacts

_WAIT_SECONDS = 180
"""For one answer: a tracking server's tables are made at its first, and a model may be large."""
_HTTP = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""A registry that is down is told within a minute; MLflow's own default is many. What the environment says wins."""


@dataclass(frozen=True)
class RegistryVersion:
    """A version of a registered model."""

    version: str
    run: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class AliasMoved:
    """What became of an alias that was to move."""

    is_moved: bool
    found: str | None
    """The version at which it stands; None: nowhere."""
    flip_ms: float | None
    """How long MLflow took to set it; None where its answer never came, and the alias was found there afterwards."""


class Registry:
    """An MLflow registry that is asked through a process of its own; see :func:`open_registry`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def read_alias(self, model: str, alias: str) -> RegistryVersion | None:
        """The version at which the alias stands; None where there is no such alias, or no such model yet."""
        answer = self._ask("read_alias", model=model, alias=alias)
        return _version(answer["found"])

    def move_alias(self, model: str, alias: str, *, expected: str | None, target: str) -> AliasMoved:
        """Move the alias to the version ``target`` where it stands at ``expected`` (None: nowhere), and see that it stands there.

        In a registry that is a database this is one statement (``tasks.registry.database``). MLflow has no compare-and-set of its
        own, so that at a tracking server the alias is read, compared, set and read again within milliseconds. Raises
        :class:`~tasks.errors.RegistryError` where MLflow does not answer; the alias may then have moved, or not.
        """
        answer = self._ask("move_alias", model=model, alias=alias, expected=expected, target=target)
        return AliasMoved(answer["is_moved"], answer["found"], answer["flip_ms"])

    def drop_alias(self, model: str, alias: str) -> None:
        """Remove an alias that may be there or not."""
        self._ask("drop_alias", model=model, alias=alias)

    def log_run(self, experiment: str, facts: RunFacts, folder: Path, artifacts: str | None, *, is_anew: bool = False) -> str:
        """Log a run with the files in ``folder``, or, unless ``is_anew``, find the one of the same verdict and model; its id.

        ``artifacts``: where files of an experiment that is made for it lie; None: where the server puts them.
        """
        words = {
            "experiment": experiment,
            "facts": asdict(facts),
            "folder": str(folder),
            "artifacts": artifacts,
            "is_anew": is_anew,
        }
        return str(self._ask("log_run", **words)["run"])

    def register(self, model: str, run: str, facts: RunFacts, flavor: Mapping[str, Any]) -> RegistryVersion:
        """Register the model that lies in the run's ``model`` folder, or find the version that it has."""
        answer = self._ask("register", model=model, run=run, facts=asdict(facts), flavor=dict(flavor))
        found = _version(answer["found"])
        if found is None:
            raise _unanswered("register", "no version")
        return found

    def download(self, uri: str, folder: Path) -> Path:
        """Download the files of a version or an alias; raises :class:`~tasks.errors.RegistryError` where they are gone."""
        return Path(self._ask("download", uri=uri, folder=str(folder))["path"])

    def _ask(self, question: str, **words: Any) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise _unanswered(question, "no pipe")
        try:
            stdin.write(json.dumps({"question": question, **words}) + "\n")
            stdin.flush()
        except OSError:
            raise _unanswered(question, "its process has ended") from None
        readable, _, _ = select.select([stdout], [], [], _WAIT_SECONDS)
        if not readable:
            self._process.kill()  # its answer, come late, would be taken for that of the next question
            self._process.wait()
            raise _unanswered(question, f"no answer within {_WAIT_SECONDS} s")
        line = stdout.readline()
        if not line:
            raise _unanswered(question, "its process has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _unanswered(question, str(answer["error"]))
        return answer


@contextmanager
def open_registry(environment: Mapping[str, str]) -> Iterator[Registry]:
    """A registry for one command; ``environment`` names it (MLFLOW_TRACKING_URI) and holds the keys that open it.

    Returns at once: MLflow is imported meanwhile. Raises :class:`~tasks.errors.RegistryError` where it is not installed.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise RegistryError(
            "the model registry",
            found="MLflow is not installed",
            expected="the extra `mlflow`",
            next_step="pip install 'windtunnel[mlflow]'",
        )
    process = subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-m", "tasks.registry.process"],
        env={**_HTTP, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it may hold an address with a password
        text=True,
    )
    try:
        yield Registry(process)
    finally:
        process.kill()  # each question was answered, or given up
        process.communicate()


def _version(found: Mapping[str, Any] | None) -> RegistryVersion | None:
    return None if found is None else RegistryVersion(found["version"], found["run"], found["tags"])


def _unanswered(question: str, found: str) -> RegistryError:
    return RegistryError(
        f"the model registry, asked to {question.replace('_', ' ')}",
        found=found,
        expected="an answer",
        next_step="is its tracking server up, and may this account read and write it (MLFLOW_TRACKING_URI)? Then the same command "
        "again: what was begun is finished or undone first (docs/promotion.md)",
    )
