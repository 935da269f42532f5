"""The signed policy: a chain of versions in ``policies/``, each signed by those who were in force before it.

What belongs here: what a policy is made of, the chain's files, and how far its signatures carry. What does not: which way a change
goes (``loosening``), and what an unsigned policy means for a verdict.

The first version is trusted as it lies in Git, and is signed by one person who stands in its own list of signers. A later one is
signed by people of the version *before*: so nobody becomes a signer by writing himself into a file.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.errors import DatasetError, SigningError
from tasks.params import Params
from tasks.records import PolicyChange, PolicyVersion, SignedStatement
from tasks.signing.signers import Signers, parse_signers
from tasks.signing.sshsig import read_armored, refused
from tasks.signing.statements import CLOCK_SKEW, check_statement, moment, told
from tasks.signing.suite_order import EXPECTATIONS

SIGNERS_FILE = "allowed_signers"
FIRST = "0" * 64
"""What stands for the version before the first."""
_VERSION = re.compile(r"(\d{4})\.json")
_DEPLOYMENT = {"key", "engine", "spark"}
"""Where the masking key lies and what masks: no rule of the policy, and the same result."""

Classify = Callable[[PolicyVersion, PolicyVersion], tuple[PolicyChange, ...]]


@dataclass(frozen=True)
class SignedVersion:
    """A version as it lies in the folder: its record, SHA-256 of its bytes, and the signatures beside it."""

    version: PolicyVersion
    digest: str
    signatures: tuple[SignedStatement, ...]


@dataclass(frozen=True)
class PolicyState:
    """How far a chain of versions carries."""

    versions: tuple[SignedVersion, ...]
    """All that lie there, in order."""
    carried: int
    """How many of them, from the first, are signed as they have to be."""
    signers: Signers
    """Who may sign now: of the version in force; of nobody where there is none."""
    loosened_by: str | None
    """Whose change the newest loosening in force is."""
    problem: str = ""
    """Why the next version is not in force; empty where there is none."""
    is_broken: bool = False
    """Whether something was changed or forged, not only left unsigned."""

    @property
    def in_force(self) -> SignedVersion | None:
        """The newest version that is signed as it has to be."""
        return self.versions[self.carried - 1] if self.carried else None

    @property
    def pending(self) -> SignedVersion | None:
        """The version that waits for a signature."""
        return self.versions[self.carried] if self.carried < len(self.versions) and not self.is_broken else None


def policy_content(params: Params, suites: Mapping[str, Any]) -> dict[str, Any]:
    """What a signature of the policy is of: parts of ``params``, defaults left out, and the ``suites``, by path.

    Masking and gates, and what a criterion means nothing without: what is measured on which rows of which split, the label, the
    seed, and what is expected of data. Not the challenger, the champion, the snapshot's moment and the features: those are what is
    judged.
    """
    split = params.evaluation.split

    def dumped(section: Any, **options: Any) -> Any:
        return section.model_dump(mode="json", exclude_defaults=True, **options)

    return {
        "seed": params.seed,
        "label": dumped(params.label),
        "split": dumped(params.splits[split]),
        "masking": dumped(params.masking, exclude=_DEPLOYMENT),
        "evaluation": dumped(params.evaluation),
        "gates": dumped(params.gates),
        EXPECTATIONS: dict(suites),
    }


def signers_text(folder: Path) -> str:
    """The text of ``allowed_signers`` in the folder; empty where there is none. Raises :class:`~tasks.errors.SigningError`."""
    try:
        return (folder / SIGNERS_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise _broken(SIGNERS_FILE, "a file that cannot be read as text") from None


def read_versions(folder: Path) -> tuple[SignedVersion, ...]:
    """Every version in the folder with its signatures, in order. Raises :class:`~tasks.errors.SigningError`."""
    numbers = sorted(found[1] for path in folder.glob("*.json") if (found := _VERSION.fullmatch(path.name)))
    return tuple(_read_version(folder, number) for number in numbers)


def _read_version(folder: Path, number: str) -> SignedVersion:
    try:
        content = (folder / f"{number}.json").read_bytes()
        version = PolicyVersion.from_json(content, origin=f"{number}.json")
        files = sorted(folder.glob(f"{number}.*.json"))
        signed = tuple(SignedStatement.from_json(file.read_bytes(), origin=file.name) for file in files)
    except DatasetError as error:
        raise _broken(error.thing, error.found) from None
    except OSError as error:
        raise _broken(Path(error.filename).name, f"no file that can be read: {error.strerror}") from None
    return SignedVersion(version, hashlib.sha256(content).hexdigest(), signed)


def judge_chain(
    versions: Sequence[SignedVersion], classify: Classify, banned: Set[str] = frozenset(), now: datetime | None = None
) -> PolicyState:
    """How far the ``versions`` carry. ``classify`` says what changed from one to the next and which way.

    ``banned`` are fingerprints that count for nobody; signatures from after ``now`` count for nothing, where it is given.
    """
    carried, loosened_by, signers = 0, None, Signers(())
    before: SignedVersion | None = None
    for number, signed in enumerate(versions, start=1):
        problem, is_broken = "", True
        try:
            own = parse_signers(signed.version.allowed_signers, origin=f"version {number}: {SIGNERS_FILE}", banned=banned)
            if any(read_armored(one.signature).fingerprint in banned for one in signed.signatures):
                problem, is_broken = f"version {number} is signed by the demo's published key, which counts in the demo only", False
            elif (signed.version.number, signed.version.previous) != (number, before.digest if before else FIRST):
                problem = f"version {number} does not follow the one before it"
            else:
                changes = _changes(before.version, signed.version, classify) if before else ()
                problem = _missing(signed, signers if before else own, own, changes, now)
                _require_order(before, signed)
                is_broken = False
        except SigningError as error:
            problem = f"version {number}: {error.found}"
        if problem:
            return PolicyState(tuple(versions), carried, signers, loosened_by, problem, is_broken)
        if before and any(change.direction == "loosening" for change in changes):
            loosened_by = signed.version.author
        carried, signers, before = number, own, signed
    return PolicyState(tuple(versions), carried, signers, loosened_by)


def _changes(before: PolicyVersion, after: PolicyVersion, classify: Classify) -> tuple[PolicyChange, ...]:
    """What changed; nobody may have signed ``after`` yet, so its sections may hold anything."""
    try:
        return classify(before, after)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise _broken(f"{after.number:04d}.json", "a policy whose sections are none") from None


def _missing(signed: SignedVersion, trusted: Signers, own: Signers, changes: Sequence[PolicyChange], now: datetime | None) -> str:
    """Whose signature a version lacks; empty where it lacks none. Raises where a signature that is there is wrong."""
    number, author = signed.version.number, signed.version.author
    loosening = [change for change in changes if change.direction == "loosening"]
    is_first_of_two = len(trusted.people) == 1 and all(c.where.startswith(f"{SIGNERS_FILE}.") for c in loosening)
    # With one person alone there is nobody else to ask: whoever he takes in signs with him, and from then on it takes two.
    accepted = Signers(own.lines + trusted.lines, trusted.banned) if loosening and is_first_of_two else trusted
    people = {
        check_statement(accepted, statement, what="policy", subject=signed.digest, now=now).principal
        for statement in signed.signatures
    }
    if author not in people or author not in trusted.people:
        return f"version {number} is not signed by {author}, whose change it is"
    if loosening and len(people) < 2:
        told = ", ".join(change.where for change in loosening[:3])
        return f"version {number} loosens ({told}) and needs a second person's signature"
    return ""


def _require_order(before: SignedVersion | None, signed: SignedVersion) -> None:
    """Refuse a signature from before the version that it follows: a key that expired since could still make one."""
    if before is None:
        return
    newest = max(moment(one.statement.at_utc) for one in before.signatures)
    for one in signed.signatures:
        if moment(one.statement.at_utc) < newest - CLOCK_SKEW:
            raise refused(f"a signature from before version {before.version.number} was signed", f"one after {told(newest)}")


def _broken(thing: str, found: str) -> SigningError:
    return SigningError(
        f"policies/{thing}",
        found=found,
        expected="a file as `windtunnel policy sign` writes it",
        next_step="restore it from Git, or sign anew: windtunnel policy sign",
    )
