"""The master key: where it may come from, how it must be kept, and what is derived from it.

What belongs here: loading the key, and its fingerprint. What does not: hashing under derived keys (``keyed_hash``), and which
key an id belongs to (``bindings``). The master key's bytes never leave this module: no repr, error, log or pickle shows them.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from tasks.errors import MaskingKeyError
from tasks.masking.key_command import read_from_command
from tasks.masking.keyed_hash import HandedKeys, KeyedCipher, KeyedHash
from tasks.params.masking import MaskingKeyParams
from tasks.paths import main_root

_KEY_DIGITS = 64
_NAMESPACE = b"mask/v1/"
"""Part of every derived key; another value here would change every token ever made."""
_FINGERPRINT_NAMESPACE = b"windtunnel/key-fingerprint/v1"
_MAKE_ONE = "(umask 077; python -c 'import secrets; print(secrets.token_hex(32))' > {file})"


class MaskingKey:
    """A master key under its public ``id``, told from others by its public ``fingerprint`` (16 hexadecimal digits)."""

    __slots__ = ("_master", "fingerprint", "id")

    def __init__(self, key_id: str, secret: bytes) -> None:
        """Name the 32 bytes ``secret`` with ``key_id``."""
        if len(secret) != _KEY_DIGITS // 2:
            raise ValueError("a master key is 32 bytes long")
        self.id = key_id
        self.fingerprint = hashlib.sha256(_FINGERPRINT_NAMESPACE + secret).hexdigest()[:16]
        self._master = KeyedHash(secret)

    def derive(self, purpose: str) -> KeyedHash:
        """The keyed hash for one purpose, such as a domain's name; its key is HMAC(master, "mask/v1/" + purpose)."""
        return KeyedHash(self._derived(purpose))

    def hand_out(self, purposes: Iterable[str]) -> HandedKeys:
        """The derived keys for ``purposes``, for a worker elsewhere; nothing leads from them to the master key."""
        return HandedKeys({purpose: self._derived(purpose) for purpose in purposes})

    def _derived(self, purpose: str) -> bytes:
        return self._master.digest(_NAMESPACE + purpose.encode())

    def derive_cipher(self, purpose: str) -> KeyedCipher:
        """AES-256 for one purpose; its key is HMAC(master, "mask/v1/" + purpose)."""
        return KeyedCipher(self._derived(purpose))

    def __repr__(self) -> str:
        return f"MaskingKey(id={self.id!r}, fingerprint={self.fingerprint!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a masking key is not written anywhere")


def load_key(params: MaskingKeyParams, root: Path, *, demo_fingerprint_refused: str | None) -> MaskingKey:
    """The master key, 64 hexadecimal digits: from the environment variable ``params.env``, or else the declared file or command.

    A file, and the folder that a command runs in, count from the project in the main checkout (``root`` may be a worktree);
    a file counts from the home folder where it begins with ``~``, and must be its owner's alone.
    ``demo_fingerprint_refused`` is the fingerprint of a published key, where the data is not the demo's.

    Raises :class:`~tasks.errors.MaskingKeyError` where there is no key, it is readable by others, malformed, or refused.
    """
    text = os.environ.get(params.env)
    if text is not None:
        origin = f"masking key in the environment variable {params.env}"
        fix = f"set {params.env} to the key, or unset it to use the {'file' if params.file else 'command'} that params.yaml names"
        key = MaskingKey(params.id, _parse(text.strip(), origin, fix))
    elif params.command is not None:
        origin = f"masking key by the command {params.command[0]} (masking.key.command)"
        text = read_from_command(params.command, main_root(root), params.command_seconds, at_most=4 * _KEY_DIGITS, origin=origin)
        key = MaskingKey(params.id, _parse(text.strip(), origin, "let the command print the key and nothing else"))
    else:
        path = main_root(root) / Path(params.file or "").expanduser()
        origin = f"masking key {path}"
        key = load_key_file(params.id, path, env=params.env)
    if key.fingerprint == demo_fingerprint_refused:
        raise MaskingKeyError(
            origin,
            found="the demo's published key, for a lake that is not the demo's (or is not there)",
            expected="a key that nobody else knows",
            next_step=f"{_MAKE_ONE.format(file=params.file)}, and give it a name of its own in params.yaml under masking.key.id"
            if params.file
            else "make a new key where that one comes from, and give it a name of its own under masking.key.id",
        )
    return key


def load_key_file(key_id: str, path: Path, *, env: str) -> MaskingKey:
    """The key in the file ``path``, under the id ``key_id``; ``env`` is the variable that errors name as the other way.

    Raises :class:`~tasks.errors.MaskingKeyError` where the file is missing, open to others, or holds no key.
    """
    origin, fix = f"masking key {path}", f"restore the key; a new project makes one by {_MAKE_ONE.format(file=path)}"
    return MaskingKey(key_id, _parse(_read_private(path, env, origin, fix).strip(), origin, fix))


def _read_private(path: Path, env: str, origin: str, fix: str) -> str:
    expected = f"a file of mode 0600, or the environment variable {env}"
    try:
        # The mode is that of the file that was opened, so that no other can be put in its place between the two looks.
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & 0o077:
                raise MaskingKeyError(
                    origin,
                    found=f"mode {mode:04o}: readable or writable by others",
                    expected="mode 0600: its owner's alone",
                    next_step=f"chmod 600 {path} (and make a new key, with a new masking.key.id, if others may have read it)",
                )
            return stream.read(4 * _KEY_DIGITS).decode("ascii", errors="replace")
    except FileNotFoundError:
        raise MaskingKeyError(origin, found="no such file", expected=expected, next_step=fix) from None
    except OSError as error:
        found = f"not readable: {error.strerror}"
        raise MaskingKeyError(origin, found=found, expected=expected, next_step=f"let this account read {path}") from None


def _parse(text: str, origin: str, fix: str) -> bytes:
    """The key's bytes; what is wrong is told without a character of it."""
    if len(text) != _KEY_DIGITS:
        found = f"{len(text)} characters" if text else "nothing"
    elif not re.fullmatch(r"[0-9a-fA-F]+", text):
        found = "characters that are no hexadecimal digits"
    else:
        return bytes.fromhex(text)
    raise MaskingKeyError(origin, found=found, expected=f"{_KEY_DIGITS} hexadecimal digits (32 bytes)", next_step=fix)
