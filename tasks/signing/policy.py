"""The signed policy as it lies in ``policies/``: a chain of versions, with the signatures of each.

What belongs here: what a policy is made of, and the chain's files. What does not: how far its signatures carry (``chain``), which
way a change goes (``loosening``), and what an unsigned policy means for a verdict.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import DatasetError, SigningError
from tasks.params import Params, stated
from tasks.records import PolicyVersion, SignedStatement
from tasks.signing.suite_order import EXPECTATIONS

SIGNERS_FILE = "allowed_signers"
FIRST = "0" * 64
"""What stands for the version before the first."""
RIVALS = "rivals"
"""The folder beside the versions that holds those of other branches, by the SHA-256 of the newest of each line."""
_VERSION = re.compile(r"(\d{4})\.json")
_DEPLOYMENT = {"key", "engine", "spark"}
"""Where the masking key lies and what masks: no rule of the policy, and the same result."""


@dataclass(frozen=True)
class SignedVersion:
    """A version as it lies in the folder: its record, SHA-256 of its bytes, and the signatures beside it."""

    version: PolicyVersion
    digest: str
    signatures: tuple[SignedStatement, ...]
    rivals: tuple[tuple["SignedVersion", ...], ...] = ()
    """For each version that it merges, the line of versions that ends there; empty where the folder holds none."""


def policy_content(params: Params, suites: Mapping[str, Any]) -> dict[str, Any]:
    """What a signature of the policy is of: what parts of ``params`` state, and the ``suites``, by path.

    Masking and gates, and what a criterion means nothing without: what is measured on which rows of which split, the label, the
    seed, and what is expected of data. Not the challenger, the champion, the snapshot's moment and the features: those are what is
    judged.
    """
    split = params.splits[params.evaluation.split]
    sections = {"label": params.label, "split": split, "evaluation": params.evaluation, "gates": params.gates}
    masking = stated(params.masking, exclude=_DEPLOYMENT)
    return {
        "edition": masking["edition"],
        "seed": params.seed,
        "masking": masking["values"],
        **{name: stated(section)["values"] for name, section in sections.items()},
        EXPECTATIONS: dict(suites),
    }


def with_edition(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a version with its edition, which those of before there were editions do not name: the first."""
    return {"edition": 1, **policy}


def signers_text(folder: Path) -> str:
    """The text of ``allowed_signers`` in the folder; empty where there is none. Raises :class:`~tasks.errors.SigningError`."""
    try:
        return (folder / SIGNERS_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise broken(SIGNERS_FILE, "a file that cannot be read as text") from None


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
        raise broken(error.thing, error.found) from None
    except OSError as error:
        raise broken(Path(error.filename).name, f"no file that can be read: {error.strerror}") from None
    rivals = tuple(read_versions(folder / RIVALS / digest) for digest in version.merges)
    return SignedVersion(version, hashlib.sha256(content).hexdigest(), signed, rivals)


def broken(thing: str, found: str) -> SigningError:
    """The error of a file in ``policies/`` that does not hold."""
    return SigningError(
        f"policies/{thing}",
        found=found,
        expected="a file as `windtunnel policy sign` writes it",
        next_step="restore it from Git, or sign anew: windtunnel policy sign",
    )
