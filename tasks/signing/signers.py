"""``policies/allowed_signers``: whose key is whose, for how long, and whether a signature is by somebody in it.

What belongs here: the file's grammar (OpenSSH's, a strict part of it) and looking keys up. What does not: the signatures
themselves (``sshsig``), and who has to sign what (``policy``).

OpenSSH skips a line that it cannot read; here it is an error, and so is what would make one person two: a pattern, two names or
one key on two lines. Times need a ``Z``, since without one they would mean another moment on another machine.
"""

import base64
import re
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from tasks.errors import SigningError
from tasks.signing.sshsig import NAMESPACE, fingerprint, read_armored, refused, require_signature

MACHINE = "machine."
"""Principals that begin so are machines: they sign verdicts, and count as nobody where a person has to sign."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?(?:,|$)')
_TIME = re.compile(r"(\d{8}|\d{12}|\d{14})Z")
_KINDS = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+")


@dataclass(frozen=True)
class Signer:
    """One line: a person or a machine, one key, and from when to when it counts."""

    principal: str
    key: bytes
    valid_after: datetime | None = None
    valid_before: datetime | None = None
    namespaces: tuple[str, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it."""
        return fingerprint(self.key)

    @property
    def is_machine(self) -> bool:
        """Whether it is no person."""
        return self.principal.startswith(MACHINE)


@dataclass(frozen=True)
class Signers:
    """All lines of an allowed_signers file, and fingerprints that are refused whatever it says."""

    lines: tuple[Signer, ...]
    banned: frozenset[str] = frozenset()

    @property
    def people(self) -> frozenset[str]:
        """The principals who are no machines, and whose key is not refused."""
        return frozenset(s.principal for s in self.lines if not s.is_machine and s.fingerprint not in self.banned)

    def find(self, mark: str) -> Signer | None:
        """The line with the key of this fingerprint."""
        return next((signer for signer in self.lines if signer.fingerprint == mark), None)


def verify_bytes(content: bytes, armored: str, allowed_signers: Path, at: datetime, banned: Set[str] = frozenset()) -> str:
    """The principal who signed ``content``, by a key that the file ``allowed_signers`` holds valid at the moment ``at``.

    ``banned`` are fingerprints of keys that are refused whatever the file says. Raises :class:`~tasks.errors.SigningError`.
    """
    return verify_by(read_signers(allowed_signers, banned), content, armored, at).principal


def verify_by(signers: Signers, content: bytes, armored: str, at: datetime) -> Signer:
    """As :func:`verify_bytes`, by signers that were read before; returns the line of the key."""
    found = read_armored(armored)
    require_signature(found, content)
    return require_signer(signers, found.fingerprint, at)


def require_signer(signers: Signers, mark: str, at: datetime) -> Signer:
    """The signer whose key has the fingerprint ``mark``, allowed at ``at``. Raises :class:`~tasks.errors.SigningError`."""
    if mark in signers.banned:
        raise refused(f"a signature by the demo's published key {mark}, which anyone can use", "a key of your own outside the demo")
    signer = signers.find(mark)
    if signer is None:
        raise refused(
            f"a signature by key {mark}, which nobody here has",
            "a key that policies/allowed_signers lists",
            "sign with a key that is listed; a new one takes a line there, then `windtunnel policy sign`",
        )
    if signer.namespaces is not None and NAMESPACE not in signer.namespaces:
        raise refused(f"a key of {signer.principal} that is not for this", f"{NAMESPACE} among its namespaces in allowed_signers")
    if signer.valid_after is not None and at < signer.valid_after:
        raise refused(
            f"a key of {signer.principal} that was not valid yet at {_told(at)}", f"one valid after {_told(signer.valid_after)}"
        )
    if signer.valid_before is not None and at > signer.valid_before:
        raise refused(
            f"a key of {signer.principal} that had expired at {_told(at)}", f"one valid before {_told(signer.valid_before)}"
        )
    return signer


def read_signers(path: Path, banned: Set[str] = frozenset()) -> Signers:
    """The signers in the file; none where there is no file. Raises :class:`~tasks.errors.SigningError` for a line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError):
        raise _wrong(path.name, "a file that cannot be read", "text of lines") from None
    return parse_signers(text, origin=path.name, banned=banned)


def parse_signers(text: str, *, origin: str, banned: Set[str] = frozenset()) -> Signers:
    """The signers in the text of a file called ``origin``. Raises :class:`~tasks.errors.SigningError` naming the line."""
    lines: list[Signer] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            where = f"{origin}, line {number}"
            signer = _parse(line, where)
            if any(signer.key == other.key for other in lines):
                raise _wrong(where, f"a key that stands there twice ({signer.fingerprint})", "each key once, so that nobody is two")
            lines.append(signer)
    return Signers(tuple(lines), frozenset(banned))


def _parse(line: str, where: str) -> Signer:
    words = _WORD.findall(line)
    at = next((i for i, word in enumerate(words) if i and _KINDS.fullmatch(word)), None)
    if at not in (1, 2) or len(words) <= at + 1:
        raise _wrong(where, "no key after the name", "a name, options if wanted, the key's kind and the key")
    principal = words[0].strip('"')
    if not _NAME.fullmatch(principal):
        raise _wrong(where, f"the name {principal!r}", "one name of letters, digits and . _ @ + -; no pattern, no list")
    try:
        key = base64.b64decode(words[at + 1], validate=True)
    except ValueError:
        raise _wrong(where, "a key that is no base64", "the key as its .pub file holds it") from None
    kind = words[at].encode()
    if not key.startswith(len(kind).to_bytes(4) + kind):
        raise _wrong(where, f"a key that is not of the kind {words[at]}", "the two words of its .pub file")
    options = _options(words[1], where) if at == 2 else {}
    return Signer(
        principal,
        key,
        _moment(options.get("valid-after"), where),
        _moment(options.get("valid-before"), where),
        tuple(options["namespaces"].split(",")) if "namespaces" in options else None,
    )


def _options(text: str, where: str) -> dict[str, str]:
    found = {name.lower(): value for name, value in _OPTION.findall(text)}
    known = {"namespaces", "valid-after", "valid-before"}
    is_whole = "".join(match.group(0) for match in _OPTION.finditer(text)) == text
    if not is_whole or not found or set(found) - known or not all(found.values()):
        raise _wrong(
            where,
            f"the options {text}",
            f'{", ".join(sorted(known))}, each as name="value"; no authorities, no-touch-required or verify-required',
        )
    return found


def _moment(text: str | None, where: str) -> datetime | None:
    if text is None:
        return None
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        return datetime.strptime(text[:-1].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        raise _wrong(where, f"the time {text!r}", "YYYYMMDDZ or YYYYMMDDHHMMSSZ, in UTC") from None


def _told(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong(where: str, found: str, expected: str) -> SigningError:
    return SigningError(where, found=found, expected=expected, next_step="mend that line of policies/allowed_signers")
