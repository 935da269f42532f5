"""HMAC-SHA256 of whole columns, and the keys that are derived for a purpose.

What belongs here: the hash, and what goes to a worker elsewhere. What does not: the master key (``keys``), and what is hashed
(``tokens``).
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGEST_BYTES = 32
_AES_BLOCK_BYTES = 16

_BLOCK_BYTES = 64
"""SHA-256's block, to which HMAC pads its key."""
_MANY_VALUES, _MANY_ONCE_LOADED = 50_000, 5_000
"""From here on DataFusion is worth some tenths of a CPU second to load it, or once loaded a millisecond to ask it."""
_LONG_VALUE_BYTES = 1_000
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))

Bytes = npt.NDArray[np.uint8]


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

    def digest(self, value: bytes) -> bytes:
        """The HMAC of one value, 32 bytes."""
        return self._one_by_one([value])

    def digests(self, values: pa.Array) -> Bytes:
        """The HMACs of ``values`` (binary, no NULL): an array of bytes, one row of 32 for each value."""
        pieces = list(self.each_digests(values))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def each_digests(self, values: pa.Array) -> Iterator[Bytes]:
        """As :meth:`digests`, some thousand rows at a time, which the processor's caches still hold; one piece at least."""
        many = _MANY_ONCE_LOADED if "datafusion" in sys.modules else _MANY_VALUES
        if len(values) < many or values.nbytes > _LONG_VALUE_BYTES * len(values):
            yield np.frombuffer(self._one_by_one(values.to_pylist()), np.uint8).reshape(-1, DIGEST_BYTES)
        else:
            yield from _hash_column(values, self._inner_block, self._outer_block)

    def _one_by_one(self, values: Iterable[bytes]) -> bytes:
        new_inner, new_outer = self._inner.copy, self._outer.copy
        found = []
        for value in values:
            inner, outer = new_inner(), new_outer()
            inner.update(value)
            outer.update(inner.digest())
            found.append(outer.digest())
        return b"".join(found)

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


class Keys(Protocol):
    """What masking needs of a key."""

    def derive(self, purpose: str) -> KeyedHash:
        """The keyed hash for one purpose."""

    def derive_cipher(self, purpose: str) -> KeyedCipher:
        """AES-256 for one purpose."""


class HandedKeys:
    """Derived keys of some purposes. The one thing with keys in it that can be pickled: it goes to a cluster's workers."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """``keys``: purpose -> derived key."""
        self._keys = dict(keys)

    def derive(self, purpose: str) -> KeyedHash:
        """The keyed hash for one of the purposes; ``LookupError`` for any other."""
        return KeyedHash(self._keys[purpose])

    def derive_cipher(self, purpose: str) -> KeyedCipher:
        """AES-256 for one of the purposes; ``LookupError`` for any other."""
        return KeyedCipher(self._keys[purpose])

    def __repr__(self) -> str:
        return f"HandedKeys({', '.join(sorted(self._keys))})"


class NotedPurposes:
    """Stands for a key where only the purposes that are asked for matter; what it derives masks nothing."""

    def __init__(self) -> None:
        self.purposes: set[str] = set()

    def derive(self, purpose: str) -> KeyedHash:
        """Note ``purpose``."""
        self.purposes.add(purpose)
        return KeyedHash(b"")

    def derive_cipher(self, purpose: str) -> KeyedCipher:
        """Note ``purpose``."""
        self.purposes.add(purpose)
        return KeyedCipher(bytes(32))


def _hash_column(values: pa.Array, inner: bytes, outer: bytes) -> Iterator[Bytes]:
    """sha256(outer, sha256(inner, value)) of each value; DataFusion does both at once, on as many rows as its caches hold."""
    # A quarter of a CPU second, which is more than few values take.
    from datafusion import SessionConfig, SessionContext, column
    from datafusion.functions import concat, sha256

    session = SessionContext(SessionConfig().with_target_partitions(1))
    hashed = sha256(concat(_literal(outer), sha256(concat(_literal(inner), column("v")))))
    try:
        # All at once: handing over each batch as it is made took a tenth longer.
        batches = session.from_arrow(pa.table({"v": values})).select(hashed).collect()
    except Exception:  # its words may show the plan, and the plan holds the key
        raise RuntimeError("DataFusion could not hash a column") from None
    return (_rows(batch.column(0)) for batch in batches)


def _literal(value: bytes) -> Any:
    from datafusion import literal

    return literal(pa.array([value])[0])


def _rows(digests: pa.Array) -> Bytes:
    ends = np.frombuffer(digests.buffers()[1], np.int32, len(digests) + 1, digests.offset * 4)
    data = np.frombuffer(digests.buffers()[2], np.uint8)
    return data[int(ends[0]) : int(ends[-1])].reshape(len(digests), DIGEST_BYTES)
