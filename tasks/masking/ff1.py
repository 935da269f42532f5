"""FF1: encryption of digit strings that gives digit strings of the same length, for whole columns at once.

What belongs here: the cipher of NIST SP 800-38G (2016), section 5.1 and algorithms 7 and 8, on numpy arrays of digits. What does
not: the AES key (``keys``), and which characters of a text are digits (``transforms.encryption``). Every round is one step for
all rows; nothing loops over rows. FF3 is not here: NIST has withdrawn it (SP 800-38G Rev. 1, second draft, 2025).

A half of the digits is held as limbs: arrays of uint64, the least significant first, each of as many digits as fit 32 bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

ROUNDS = 10
MIN_DOMAIN = 1_000_000
"""Fewer possible values than that could all be tried (SP 800-38G Rev. 1, section 5.1: radix^minlen >= 10^6)."""
MAX_DIGITS = 256
_BLOCK = 16
_WORD_BITS = np.uint64(32)
_WORD_MASK = np.uint64(0xFFFFFFFF)
_BATCH_ROWS = 16_384
"""Rows whose blocks stay in the processor's cache through all rounds."""

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.uint64]
Limbs = list[Numbers]


class BlockCipher(Protocol):
    """AES under one key."""

    def encrypt_blocks(self, blocks: Bytes) -> Bytes:
        """Each row of 16 bytes encrypted by itself, in the order of the rows."""


@dataclass(frozen=True)
class _Half:
    """How the numbers of one half are held: ``digits`` digits of one radix."""

    radix: int
    digits: int

    @property
    def _limb_digits(self) -> int:
        digits = 1
        while self.radix ** (digits + 1) <= 2**32:
            digits += 1
        return digits

    @property
    def bases(self) -> list[int]:
        """For each limb, the number of its values; of the last only what is left of the digits."""
        full, rest = divmod(self.digits, self._limb_digits)
        return [self.radix**self._limb_digits] * full + ([self.radix**rest] if rest else [])

    def read(self, digits: npt.NDArray[np.integer]) -> Limbs:
        """Limbs of the numbers whose digits are the columns of ``digits``, the most significant first."""
        limbs, stop = [], self.digits
        while stop > 0:
            start = max(0, stop - self._limb_digits)
            limb = np.zeros(len(digits), np.uint64)
            for column in range(start, stop):
                limb = limb * np.uint64(self.radix) + digits[:, column].astype(np.uint64)
            limbs.append(limb)
            stop = start
        return limbs

    def write(self, limbs: Limbs, digits: npt.NDArray[np.integer]) -> None:
        """Fill ``digits`` with what :meth:`read` would read as ``limbs``."""
        stop = self.digits
        for limb in limbs:
            start, rest = max(0, stop - self._limb_digits), limb
            for column in range(stop - 1, start - 1, -1):
                more = rest // np.uint64(self.radix)
                digits[:, column] = rest - more * np.uint64(self.radix)
                rest = more
            stop = start


class FF1:
    """FF1 over digits of one ``radix`` (2 to 2^16) under one AES key and one ``tweak``."""

    def __init__(self, cipher: BlockCipher, radix: int, tweak: bytes = b"") -> None:
        """Take the ``cipher`` that :meth:`encrypt` and :meth:`decrypt` call once per block and round."""
        self._cipher = cipher
        self._radix = radix
        self._tweak = tweak

    def encrypt(self, digits: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Each row of ``digits`` (numbers below the radix, in columns) encrypted, as an array of the same shape and type.

        Raises ``ValueError`` where rows of that length have fewer than 10^6 values, or more than 256 digits.
        """
        return self._digits(digits, is_forward=True)

    def decrypt(self, digits: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """What :meth:`encrypt` was given."""
        return self._digits(digits, is_forward=False)

    def encrypt_numbers(self, numbers: Numbers, length: int) -> Numbers:
        """Each of ``numbers``, taken as ``length`` digits with leading zeros (at most 2^63 values), encrypted.

        Raises ``ValueError`` where there are fewer than 10^6 values.
        """
        return self._numbers(numbers, length, is_forward=True)

    def decrypt_numbers(self, numbers: Numbers, length: int) -> Numbers:
        """What :meth:`encrypt_numbers` was given."""
        return self._numbers(numbers, length, is_forward=False)

    def _digits(self, digits: npt.NDArray[np.integer], *, is_forward: bool) -> npt.NDArray[np.integer]:
        length = digits.shape[1]
        rounds = _Rounds(self._cipher, self._radix, length, self._tweak)
        result = np.empty_like(digits)
        for start in range(0, len(digits), _BATCH_ROWS):
            batch, filled = digits[start : start + _BATCH_ROWS], result[start : start + _BATCH_ROWS]
            left, right = rounds.left.read(batch[:, : length // 2]), rounds.right.read(batch[:, length // 2 :])
            left, right = rounds.run(left, right, is_forward=is_forward)
            rounds.left.write(left, filled[:, : length // 2])
            rounds.right.write(right, filled[:, length // 2 :])
        return result

    def _numbers(self, numbers: Numbers, length: int, *, is_forward: bool) -> Numbers:
        rounds = _Rounds(self._cipher, self._radix, length, self._tweak)
        size = np.uint64(self._radix ** (length - length // 2))
        result = np.empty_like(numbers)
        for start in range(0, len(numbers), _BATCH_ROWS):
            batch = numbers[start : start + _BATCH_ROWS]
            high = batch // size
            left, right = rounds.run([high], [batch - high * size], is_forward=is_forward)
            result[start : start + _BATCH_ROWS] = left[0] * size + right[0]
        return result


class _Rounds:
    """The ten rounds for one radix, length and tweak."""

    def __init__(self, cipher: BlockCipher, radix: int, length: int, tweak: bytes) -> None:
        if radix**length < MIN_DOMAIN or length < 2:
            raise ValueError(f"{length} digits of radix {radix} have fewer than {MIN_DOMAIN:,} values")
        if length > MAX_DIGITS:
            raise ValueError(f"more than {MAX_DIGITS} digits")
        self._cipher = cipher
        self.left, self.right = _Half(radix, length // 2), _Half(radix, length - length // 2)
        self._b = (((radix**self.right.digits - 1).bit_length()) + 7) // 8
        self._d = 4 * ((self._b + 3) // 4) + 4
        first = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, self.left.digits % 256])
        first += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        self._chained = cipher.encrypt_blocks(np.frombuffer(first, np.uint8).reshape(1, _BLOCK))[0]
        self._start = tweak + bytes((-len(tweak) - self._b - 1) % _BLOCK)
        while len(self._start) >= _BLOCK:  # blocks of nothing but the tweak are the same in each row and round
            block = self._chained ^ np.frombuffer(self._start[:_BLOCK], np.uint8)
            self._chained = cipher.encrypt_blocks(block.reshape(1, _BLOCK))[0]
            self._start = self._start[_BLOCK:]
        self._is_small = len(self.right.bases) == 1 and self._d == 8 and len(self._start) + 1 + self._b == _BLOCK

    def run(self, left: Limbs, right: Limbs, *, is_forward: bool) -> tuple[Limbs, Limbs]:
        """The halves after all rounds: algorithm 7 forward, algorithm 8 otherwise."""
        for step in range(ROUNDS):
            number = step if is_forward else ROUNDS - 1 - step
            half = self.left if number % 2 == 0 else self.right
            if is_forward:
                left, right = right, self._combine(half, left, right, number, is_forward)
            else:
                left, right = self._combine(half, right, left, number, is_forward), left
        return left, right

    def _combine(self, half: _Half, changed: Limbs, other: Limbs, number: int, is_forward: bool) -> Limbs:
        """``changed`` plus (or minus) what the round makes of ``other``, modulo the number of values of ``half``."""
        if self._is_small:
            return [self._combine_small(half, changed[0], other[0], number, is_forward)]
        beside = self.right if half is self.left else self.left
        words = _rebase(other, beside.bases, [2**32] * ((self._b + 3) // 4))
        drawn = _rebase(self._draw(words, number), [2**32] * (self._d // 4), half.bases)
        return _add(changed, drawn, half.bases) if is_forward else _subtract(changed, drawn, half.bases)

    def _combine_small(self, half: _Half, changed: Numbers, other: Numbers, number: int, is_forward: bool) -> Numbers:
        """The same where each half is one limb and all that varies lies in the last eight bytes of one block."""
        blocks = np.empty((len(other), 2), ">u8")
        constant = np.bitwise_xor(self._chained, np.frombuffer(self._start + bytes([number]) + bytes(self._b), np.uint8))
        high, low = constant.view(">u8").tolist()
        blocks[:, 0] = high
        blocks[:, 1] = other ^ np.uint64(low)
        drawn = self._cipher.encrypt_blocks(blocks.view(np.uint8)).view(">u8")[:, 0].astype(np.uint64)
        size = np.uint64(half.bases[0])
        drawn -= drawn // size * size
        # Below zero an unsigned number is a great one: the smaller of the two is the one modulo size.
        total: Numbers = drawn + changed if is_forward else changed - drawn
        reduced: Numbers = np.minimum(total, total - size if is_forward else total + size)
        return reduced

    def _draw(self, words: Limbs, number: int) -> Limbs:
        """Steps 6.i to 6.iv: the round's number, in words of 32 bits, the least significant first."""
        rows, width = len(words[0]), self._b
        value = np.stack(words[::-1], axis=1).astype(">u4").view(np.uint8)
        last = np.empty((rows, len(self._start) + 1 + width), np.uint8)
        last[:, : len(self._start)] = np.frombuffer(self._start, np.uint8)
        last[:, len(self._start)] = number
        last[:, len(self._start) + 1 :] = value[:, value.shape[1] - width :]
        chained: Bytes = np.broadcast_to(self._chained, (rows, _BLOCK))
        for start in range(0, last.shape[1], _BLOCK):
            chained = self._cipher.encrypt_blocks(np.bitwise_xor(chained, last[:, start : start + _BLOCK]))
        drawn = [chained]
        for block in range(1, (self._d + _BLOCK - 1) // _BLOCK):
            counter = np.frombuffer(block.to_bytes(_BLOCK, "big"), np.uint8)
            drawn.append(self._cipher.encrypt_blocks(np.bitwise_xor(chained, counter)))
        found = np.ascontiguousarray(np.concatenate(drawn, axis=1)[:, : self._d]).view(">u4").astype(np.uint64)
        return [found[:, column].copy() for column in range(found.shape[1] - 1, -1, -1)]


def _rebase(limbs: Limbs, bases: Sequence[int], wanted: Sequence[int]) -> Limbs:
    """The same numbers in limbs of other bases, modulo what these can hold: Horner's scheme from the most significant limb."""
    result = [np.zeros_like(limbs[0]) for _ in wanted]
    for limb, base in zip(reversed(limbs), reversed(bases), strict=True):
        carry = limb
        for place, size in enumerate(wanted):
            # Limb and base are at most 2^32, and so is the carry: the sum is below 2^64.
            total = result[place] * np.uint64(base) + carry
            if size == 2**32:
                carry, result[place] = total >> _WORD_BITS, total & _WORD_MASK
            else:
                carry = total // np.uint64(size)
                result[place] = total - carry * np.uint64(size)
    return result


def _add(one: Limbs, other: Limbs, bases: Sequence[int]) -> Limbs:
    total, carry = [], np.zeros_like(one[0])
    for a, b, base in zip(one, other, bases, strict=True):
        limb = a + b + carry
        carry = (limb >= np.uint64(base)).astype(np.uint64)
        total.append(limb - carry * np.uint64(base))
    return total


def _subtract(one: Limbs, other: Limbs, bases: Sequence[int]) -> Limbs:
    total, borrow = [], np.zeros_like(one[0])
    for a, b, base in zip(one, other, bases, strict=True):
        taken = b + borrow
        borrow = (a < taken).astype(np.uint64)
        total.append(a + borrow * np.uint64(base) - taken)
    return total
