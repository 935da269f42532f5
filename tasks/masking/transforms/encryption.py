"""The transform encrypt: texts and whole numbers to others of the same format, which the holder of the key can turn back.

What belongs here: which characters of a text are digits of FF1, what is left in place, and Luhn's check digit. What does not: the
cipher (``tasks.masking.ff1``). Equal values of one domain give equal results, and different ones different results.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import MaskingError
from tasks.masking.ff1 import FF1, MAX_DIGITS, MIN_DOMAIN
from tasks.masking.keyed_hash import KeyedCipher
from tasks.masking.tokens import plain_strings, wrong_type
from tasks.masking.transforms.columns import CHOOSE, nulls, read_numbers, to_array
from tasks.params.masking_rules import EncryptRule

_KEPT, _OUTSIDE = -1, -2
"""What stands for a character that is left in place, and for one that the rule does not name."""
_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.int32)
"""Twice each digit, and the digits of that summed."""
_BATCH_ROWS = 16_384
"""Texts that stay in the processor's cache."""
_MEND = "name every character that occurs in alphabet or keep under masking.tables in params.yaml, or use token"

Digits = npt.NDArray[np.integer]


def encrypt(column: pa.ChunkedArray, rule: EncryptRule, cipher: KeyedCipher, *, where: str) -> pa.ChunkedArray:
    """Each value encrypted: string of texts, int64 of whole numbers.

    Texts, in normal form C: the characters of ``rule.alphabet`` are encrypted together, those of ``rule.keep`` stay in their
    places, and a text without any of the former, such as an empty one, stays as it is. With ``rule.luhn`` the last digit is not
    encrypted, but made to fit. Numbers: from 0 to below 10 to the power of ``rule.digits``, with leading zeros.

    Raises :class:`~tasks.errors.MaskingError` on other types, other characters, numbers out of range, values of fewer than 10^6
    or of more than 256 digits, and check digits that do not fit.
    """
    return _crypt(column, rule, cipher, where, is_forward=True)


def decrypt(column: pa.ChunkedArray, rule: EncryptRule, cipher: KeyedCipher, *, where: str) -> pa.ChunkedArray:
    """What :func:`encrypt` was given, texts in normal form C. Raises as it does."""
    return _crypt(column, rule, cipher, where, is_forward=False)


def _crypt(column: pa.ChunkedArray, rule: EncryptRule, cipher: KeyedCipher, where: str, *, is_forward: bool) -> pa.ChunkedArray:
    result = pa.string() if rule.digits is None else pa.int64()
    if pa.types.is_null(column.type):
        return nulls(column, result)
    if rule.digits is not None:
        if not pa.types.is_integer(column.type):
            raise wrong_type(where, column.type, "whole numbers for encrypt digits (text needs an alphabet)", CHOOSE)
        present = column.drop_null()
        numbers = read_numbers(present, where=where, transform="encrypt")
        return _spread(column, _crypt_numbers(numbers, rule.digits, FF1(cipher, 10), where, is_forward))
    texts = plain_strings(column)
    if not pa.types.is_string(texts.type):
        raise wrong_type(where, column.type, "text for encrypt alphabet (whole numbers need digits)", CHOOSE)
    writing = _Writing(rule, cipher, where, is_forward)
    batches = [chunk.slice(start, _BATCH_ROWS) for chunk in texts.chunks for start in range(0, len(chunk), _BATCH_ROWS)]
    masked = [_spread(pa.chunked_array([batch]), writing.crypt(batch.drop_null())) for batch in batches]
    return pa.chunked_array([chunk for part in masked for chunk in part.chunks], pa.string())


def _crypt_numbers(numbers: npt.NDArray[np.int64], digits: int, ff1: FF1, where: str, is_forward: bool) -> pa.Array:
    if len(numbers) and (int(numbers.min()) < 0 or int(numbers.max()) >= 10**digits):
        raise MaskingError(
            f"masking {where}",
            found=f"a number below zero, or of more than {digits} digits",
            expected=f"whole numbers from 0 to below 10^{digits} for encrypt digits={digits}",
            next_step=f"raise digits of {where} (to at most 18) under masking.tables in params.yaml, or use token",
        )
    turned = ff1.encrypt_numbers if is_forward else ff1.decrypt_numbers
    return to_array(turned(numbers.astype(np.uint64), digits).astype(np.int64))


def _spread(column: pa.ChunkedArray, values: pa.Array) -> pa.ChunkedArray:
    """``values``, one for each row of ``column`` that is not NULL, in their rows."""
    if not column.null_count:
        return pa.chunked_array([values])
    places = pc.cumulative_sum(column.is_valid().cast(pa.int64()).combine_chunks())
    rows = pc.if_else(column.is_valid(), pc.subtract(places, to_array(np.ones(len(column), np.int64))), pa.nulls(1, pa.int64())[0])
    return pa.chunked_array([values.take(rows)]) if isinstance(rows, pa.Array) else values.take(rows)


class _Writing:
    """One rule for texts: from characters to digits and back."""

    def __init__(self, rule: EncryptRule, cipher: KeyedCipher, where: str, is_forward: bool) -> None:
        self._where, self._has_luhn = where, rule.luhn
        self._letters = np.array([ord(letter) for letter in rule.letters], np.uint32)
        self._is_ascii = (rule.letters + rule.keep).isascii()
        self._digit_of = np.full(max(map(ord, rule.letters + rule.keep)) + 2, _OUTSIDE, np.int32)
        self._digit_of[[ord(letter) for letter in rule.keep]] = _KEPT
        self._digit_of[self._letters] = np.arange(len(self._letters))
        ff1 = FF1(cipher, len(self._letters))
        self._turn: Callable[[Digits], Digits] = ff1.encrypt if is_forward else ff1.decrypt

    def crypt(self, texts: pa.Array) -> pa.Array:
        """Each of ``texts`` (no NULL), encrypted or decrypted."""
        if not self._is_ascii:  # of others the alphabet has none, and a text that is not in normal form is refused all the same
            texts = pc.utf8_normalize(texts, form="NFC")
        units, ends = self._read(texts)
        digits = self._digit_of[np.minimum(units, len(self._digit_of) - 1)]
        if (digits == _OUTSIDE).any():
            raise self._refuse("a character that is neither in alphabet nor in keep", "texts of these characters only", _MEND)
        places = np.flatnonzero(digits >= 0)
        before = np.searchsorted(places, ends)
        lengths = np.diff(before)
        turned = units.copy()
        for length in np.unique(lengths[lengths > 0]).tolist():
            rows = before[:-1][lengths == length]
            taken = places[rows[:, None] + np.arange(length)]
            turned[taken] = self._letters[self._crypt_digits(digits[taken])]
        return self._write(turned, ends)

    def _crypt_digits(self, digits: Digits) -> Digits:
        """Rows of the same number of digits."""
        length, radix = digits.shape[1] - self._has_luhn, len(self._letters)
        if radix**length < MIN_DOMAIN or length < 2:
            raise self._refuse(
                f"a value of {digits.shape[1]} characters of the alphabet",
                f"values that are one of at least {MIN_DOMAIN:,}: fewer could all be tried",
                "use token for this column, or drop it",
            )
        if length > MAX_DIGITS:
            raise self._refuse(
                f"a value of more than {MAX_DIGITS} characters of the alphabet",
                f"texts of at most {MAX_DIGITS}",
                "use token, redact or drop for this column",
            )
        if not self._has_luhn:
            return self._turn(digits)
        if (luhn_digits(digits[:, :-1]) != digits[:, -1]).any():
            raise self._refuse(
                "a value whose last digit is not the check digit of those before it (Luhn)",
                "numbers whose check digit fits, as luhn: true says",
                "mend the lake, or encrypt without luhn",
            )
        turned = self._turn(np.ascontiguousarray(digits[:, :-1]))
        return np.column_stack([turned, luhn_digits(turned)])

    def _read(self, texts: pa.Array) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """The characters of all ``texts`` as code points, and where each text begins, and the last one ends."""
        ends = np.zeros(1, np.int64)
        if len(texts):
            ends = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, 4 * texts.offset).astype(np.int64)
        data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[int(ends[0]) : int(ends[-1])]
        ends -= ends[0]
        if self._is_ascii:
            return data.astype(np.uint32), ends
        begins = (data & 0xC0) != 0x80
        characters = np.concatenate([np.zeros(1, np.int64), np.cumsum(begins)])
        return np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint32), characters[ends]

    def _write(self, units: npt.NDArray[np.uint32], ends: npt.NDArray[np.int64]) -> pa.Array:
        data = units.astype(np.uint8).tobytes()
        if not self._is_ascii:
            data = units.tobytes().decode("utf-32-le").encode()
            widths = 1 + (units >= 0x80).astype(np.int64) + (units >= 0x800) + (units >= 0x10000)
            ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])[ends]
        buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data)]
        return pa.Array.from_buffers(pa.string(), len(ends) - 1, buffers)

    def _refuse(self, found: str, expected: str, next_step: str) -> MaskingError:
        return MaskingError(f"masking {self._where}", found=found, expected=expected, next_step=next_step)


def luhn_digits(digits: Digits) -> Digits:
    """The check digit of each row of ``digits`` that lack it. Source: ISO/IEC 7812-1:2017, annex B."""
    total = digits[:, -2::-2].sum(axis=1) + _DOUBLED[digits[:, ::-2]].sum(axis=1)
    checks: Digits = -total % 10
    return checks
