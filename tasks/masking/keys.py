"""The master key: where it may come from, how it must be kept, and what is derived from it.

What belongs here: loading the key, its fingerprint, and keyed hashes under keys derived from it. What does not: what is hashed
(``tokens``), and which key an id belongs to (``bindings``). The key's bytes never leave this module: no repr, error, log or
pickle shows them.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingKeyError
from tasks.masking.digests import DIGEST_BYTES, Bytes, sha256_column
from tasks.masking.key_command import read_from_command
from tasks.params.masking import MaskingKeyParams
from tasks.paths import main_root

_KEY_DIGITS = 64
_AES_BLOCK_BYTES = 16
_BLOCK_BYTES = 64
"""SHA-256's block, to which HMAC pads its key."""
_MANY_VALUES = 50_000
"""From here on loading DataFusion, some CPU seconds tenths, is worth it."""
_LONG_VALUE_BYTES = 1_000
_BATCH_VALUES = 131_072
"""Some 12 MB of messages at a time: they stay in the processor's cache better than whole columns, and below 2 GiB."""
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_NAMESPACE = b"mask/v1/"
"""Part of every derived key; another value here would change every token ever made."""
_FINGERPRINT_NAMESPACE = b"windtunnel/key-fingerprint/v1"
_MAKE_ONE = "(umask 077; python -c 'import secrets; print(secrets.token_hex(32))' > {file})"


class KeyedHash:
    """HMAC-SHA256 under one key, for whole columns.

    Source: RFC 2104, section 4; the tests hold it to Python's ``hmac`` and to RFC 4231's vectors. Few values, and long ones,
    are hashed one by one from the two states after the key's block; many short ones by DataFusion's ``sha256``, which takes
    a column at a time (why: docs/decisions/0019-masking-engines.md).
    """

    __slots__ = ("_inner", "_inner_block", "_outer", "_outer_block")

    def __init__(self, key: bytes) -> None:
        """Take a ``key`` of at most 64 bytes; a longer one would have to be hashed first, and none is derived here."""
        if len(key) > _BLOCK_BYTES:
            raise ValueError("a key is at most one block long")
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner_block, self._outer_block = block.translate(_INNER), block.translate(_OUTER)
        self._inner, self._outer = hashlib.sha256(self._inner_block), hashlib.sha256(self._outer_block)

    def digests(self, values: pa.Array) -> Bytes:
        """The HMACs of ``values`` (binary, no NULL): an array of bytes, one row of 32 for each value."""
        if len(values) < _MANY_VALUES or values.nbytes > _LONG_VALUE_BYTES * len(values):
            return np.frombuffer(self._one_by_one(values.to_pylist()), np.uint8).reshape(-1, DIGEST_BYTES)
        starts = range(0, len(values), _BATCH_VALUES)
        return np.concatenate([self._batch(values.slice(start, _BATCH_VALUES)) for start in starts])

    def _one_by_one(self, values: Iterable[bytes]) -> bytes:
        new_inner, new_outer = self._inner.copy, self._outer.copy
        found = []
        for value in values:
            inner, outer = new_inner(), new_outer()
            inner.update(value)
            outer.update(inner.digest())
            found.append(outer.digest())
        return b"".join(found)

    def _batch(self, values: pa.Array) -> Bytes:
        inner = sha256_column(pc.binary_join_element_wise(_binary(self._inner_block), values, _binary(b"")))
        messages = np.empty((len(inner), _BLOCK_BYTES + DIGEST_BYTES), np.uint8)
        messages[:, :_BLOCK_BYTES] = np.frombuffer(self._outer_block, np.uint8)
        messages[:, _BLOCK_BYTES:] = inner
        ends = np.arange(len(inner) + 1, dtype=np.int32) * np.int32(messages.shape[1])
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(messages)]
        return sha256_column(pa.Array.from_buffers(pa.binary(), len(inner), buffers))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyed hash is not written anywhere")


class KeyedCipher:
    """AES under one key, block by block (ECB): what FF1's rounds are made of, and no encryption of data by itself."""

    __slots__ = ("_encryptor",)

    def __init__(self, key: bytes) -> None:
        """Take a ``key`` of 16, 24 or 32 bytes."""
        # Imported here, since it takes a tenth of a CPU second that a policy without encryption does not owe.
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import ECB

        if len(key) not in (16, 24, 32):
            raise ValueError("an AES key is 16, 24 or 32 bytes long")
        self._encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - FF1 chains the blocks itself

    def encrypt_blocks(self, blocks: Bytes) -> Bytes:
        """Each row of 16 bytes encrypted by itself, in an array of its own."""
        flat = np.ascontiguousarray(blocks).reshape(-1)
        encrypted = np.empty(len(flat) + _AES_BLOCK_BYTES - 1, np.uint8)
        self._encryptor.update_into(flat.data, encrypted.data)
        return encrypted[: len(flat)].reshape(-1, _AES_BLOCK_BYTES)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyed cipher is not written anywhere")


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
        return KeyedHash(self._master.digests(pa.array([_NAMESPACE + purpose.encode()])).tobytes())

    def derive_cipher(self, purpose: str) -> KeyedCipher:
        """AES-256 for one purpose; its key is HMAC(master, "mask/v1/" + purpose)."""
        return KeyedCipher(self._master.digests(pa.array([_NAMESPACE + purpose.encode()])).tobytes())

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


def _binary(value: bytes) -> pa.Scalar:
    return pa.array([value])[0]


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
