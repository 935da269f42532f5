"""Checksums of numbers that belong to people, over values that already have the number's form.

What belongs here: the formulas, each with its source. What does not: the forms (``patterns``). A checksum is what tells an
account number from any other number of its length; how often random digits pass it by chance stands beside each. Each takes an
array of strings and gives one boolean for each.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_LONGEST_CARD, _LONGEST_IBAN = 20, 36


def is_luhn(values: pa.Array) -> NDArray[np.bool_]:
    """Doubling every second digit from the right, with its digits added up, gives a multiple of ten (ISO/IEC 7812-1): 10 %."""
    digits = _digits(values, _LONGEST_CARD)
    doubled = 2 * digits[:, ::2]
    return np.asarray((digits[:, 1::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)) % 10 == 0)


def is_iban(values: pa.Array) -> NDArray[np.bool_]:
    """Letters count from A = 10, the first four characters go last, and the number leaves 1 modulo 97 (ISO 13616): 1 %."""
    bare = pc.ascii_upper(pc.replace_substring(values, " ", ""))
    lengths = pc.binary_length(bare).to_numpy(zero_copy_only=False)
    symbols = _bytes(pc.ascii_rpad(bare, _LONGEST_IBAN), _LONGEST_IBAN)
    numbers = np.where(symbols >= ord("A"), symbols - 55, symbols - ord("0"))
    remainder = np.zeros(len(values), np.int64)
    for place in (*range(4, _LONGEST_IBAN), *range(4)):
        number = numbers[:, place]
        after = (remainder * np.where(number > 9, 100, 10) + number) % 97
        remainder = np.where(place < lengths, after, remainder)
    return np.asarray(remainder == 1)


def is_cpf(values: pa.Array) -> NDArray[np.bool_]:
    """Two check digits modulo 11 (Receita Federal, Brazil): 1 %."""
    digits = _digits(values, 11)
    first = digits[:, :9] @ np.arange(10, 1, -1) * 10 % 11 % 10
    second = digits[:, :10] @ np.arange(11, 1, -1) * 10 % 11 % 10
    is_varied = (digits != digits[:, :1]).any(axis=1)
    return np.asarray((first == digits[:, 9]) & (second == digits[:, 10]) & is_varied)


def is_pesel(values: pa.Array) -> NDArray[np.bool_]:
    """A date of birth, and a check digit modulo 10 (Act on the population register, Poland): 2 %."""
    digits = _digits(values, 11)
    total = digits @ np.array([1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1])
    month, day = (10 * digits[:, 2] + digits[:, 3]) % 20, 10 * digits[:, 4] + digits[:, 5]
    return np.asarray((total % 10 == 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31))


def is_nir(values: pa.Array) -> NDArray[np.bool_]:
    """A key modulo 97 (INSEE, France): 1 %."""
    digits = _digits(values, 15)
    number = digits[:, :13] @ 10 ** np.arange(12, -1, -1)
    return np.asarray(97 - number % 97 == 10 * digits[:, 13] + digits[:, 14])


def is_steuer_id(values: pa.Array) -> NDArray[np.bool_]:
    """ISO/IEC 7064, MOD 11,10 (tax identification number, Germany): 10 %."""
    digits = _digits(values, 11)
    product = np.full(len(values), 10)
    for place in range(10):
        total = (product + digits[:, place]) % 10
        product = 2 * np.where(total == 0, 10, total) % 11
    return np.asarray((11 - product) % 10 == digits[:, 10])


def is_nhs(values: pa.Array) -> NDArray[np.bool_]:
    """One check digit modulo 11 (NHS Data Dictionary, England): 9 %."""
    digits = _digits(values, 10)
    return np.asarray((11 - digits[:, :9] @ np.arange(10, 1, -1) % 11) % 11 == digits[:, 9])


def is_bsn(values: pa.Array) -> NDArray[np.bool_]:
    """The eleven-test (citizen service number, the Netherlands): 9 %."""
    digits = _digits(values, 9)
    return np.asarray((digits @ np.array([9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0) & digits.any(axis=1))


def is_dni(values: pa.Array) -> NDArray[np.bool_]:
    """A letter modulo 23 (Ministry of the Interior, Spain); X, Y and Z before a number count as 0, 1 and 2: 4 %."""
    letters = np.frombuffer(b"TRWAGMYFPDXBNJZSQVHLCKE", np.uint8)
    symbols = _bytes(values, 9).astype(np.int64)
    first = np.where(symbols[:, 0] >= ord("X"), symbols[:, 0] - ord("X"), symbols[:, 0] - ord("0"))
    number = first * 10**7 + (symbols[:, 1:8] - ord("0")) @ 10 ** np.arange(6, -1, -1)
    return np.asarray(letters[number % 23] == symbols[:, 8])


def _digits(values: pa.Array, width: int) -> NDArray[np.int64]:
    """The digits of each value, right-aligned in ``width`` columns; none has more."""
    bare = pc.replace_substring_regex(values, r"[^0-9]", "")
    return _bytes(pc.ascii_lpad(bare, width, "0"), width).astype(np.int64) - ord("0")


def _bytes(values: pa.Array, width: int) -> NDArray[np.uint8]:
    """The bytes of ASCII values that are all ``width`` long, one row for each."""
    return np.frombuffer(b"".join(values.cast(pa.binary()).to_pylist()), np.uint8).reshape(len(values), width)
