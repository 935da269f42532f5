"""FF1: NIST's sample vectors, and what holds for any digits."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.masking.ff1 import FF1, MAX_DIGITS
from tasks.masking.keyed_hash import KeyedCipher

KEYS = {
    128: "2B7E151628AED2A6ABF7158809CF4F3C",
    192: "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F",
    256: "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94",
}
TWEAK, LONG_TWEAK = "39383736353433323130", "3737373770717273373737"
# NIST, "Examples with Intermediate Values", SP 800-38G, FF1, samples 1 to 9: key bits, radix, tweak, plaintext, ciphertext.
SAMPLES = [
    (128, 10, "", "0123456789", "2433477484"),
    (128, 10, TWEAK, "0123456789", "6124200773"),
    (128, 36, LONG_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (192, 10, "", "0123456789", "2830668132"),
    (192, 10, TWEAK, "0123456789", "2496655549"),
    (192, 36, LONG_TWEAK, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (256, 10, "", "0123456789", "6657667009"),
    (256, 10, TWEAK, "0123456789", "1001623463"),
    (256, 36, LONG_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]
LETTERS = string.digits + string.ascii_lowercase
AES = KeyedCipher(bytes(range(32)))


def _digits(*texts: str) -> np.ndarray:
    return np.array([[LETTERS.index(letter) for letter in text] for text in texts], np.uint8)


@pytest.mark.parametrize(("bits", "radix", "tweak", "plain", "encrypted"), SAMPLES)
def test_nist_sample(bits: int, radix: int, tweak: str, plain: str, encrypted: str) -> None:
    """Encrypted and decrypted, as the standard's authors have it."""
    cipher = FF1(KeyedCipher(bytes.fromhex(KEYS[bits])), radix, bytes.fromhex(tweak))
    assert "".join(LETTERS[digit] for digit in cipher.encrypt(_digits(plain))[0]) == encrypted
    assert "".join(LETTERS[digit] for digit in cipher.decrypt(_digits(encrypted))[0]) == plain


@pytest.mark.parametrize(("bits", "encrypted"), [(128, 2433477484), (192, 2830668132), (256, 6657667009)])
def test_nist_sample_as_a_number(bits: int, encrypted: int) -> None:
    """The way of integers gives what the way of digits gives."""
    cipher = FF1(KeyedCipher(bytes.fromhex(KEYS[bits])), 10)
    assert cipher.encrypt_numbers(np.array([123456789], np.uint64), 10).tolist() == [encrypted]
    assert cipher.decrypt_numbers(np.array([encrypted], np.uint64), 10).tolist() == [123456789]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(2, 300), st.integers(2, 70))
def test_decryption_undoes_encryption(data: st.DataObject, radix: int, length: int) -> None:
    """For any radix and length, one limb or many, whatever the values; and each digit stays below the radix."""
    if radix**length < 10**6:
        return
    rows = data.draw(st.lists(st.lists(st.integers(0, radix - 1), min_size=length, max_size=length), min_size=1, max_size=4))
    digits, cipher = np.array(rows, np.uint16), FF1(AES, radix)
    encrypted = cipher.encrypt(digits)
    assert int(encrypted.max()) < radix
    assert cipher.decrypt(encrypted).tolist() == rows
    assert cipher.encrypt(digits[::-1])[::-1].tolist() == encrypted.tolist()


@pytest.mark.parametrize(("radix", "length"), [(10, 12), (10, 18), (10, 20), (10, 38), (36, 13), (62, 11), (62, 70), (2, 256)])
def test_rounds_are_those_of_the_definition(radix: int, length: int) -> None:
    """Algorithm 7 written with Python's own integers, of lengths that take one limb, two, and many."""
    digits = np.random.default_rng(length).integers(0, radix, (3, length)).astype(np.uint8)
    assert FF1(AES, radix, b"tweak").encrypt(digits).tolist() == [_by_definition(row, radix, b"tweak") for row in digits.tolist()]
    assert FF1(AES, radix).encrypt(digits).tolist() == [_by_definition(row, radix, b"") for row in digits.tolist()]


def _by_definition(row: list[int], radix: int, tweak: bytes) -> list[int]:
    """NIST SP 800-38G, algorithm 7."""

    def aes(block: bytes) -> bytes:
        return AES.encrypt_blocks(np.frombuffer(block, np.uint8).reshape(1, 16)).tobytes()

    def number(part: list[int]) -> int:
        total = 0
        for digit in part:
            total = total * radix + digit
        return total

    n, u = len(row), len(row) // 2
    v, left, right = n - u, row[:u], row[u:]
    b = -(-(radix**v - 1).bit_length() // 8)
    d = 4 * -(-b // 4) + 4
    head = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256]) + n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    for i in range(10):
        q = tweak + bytes((-len(tweak) - b - 1) % 16) + bytes([i]) + number(right).to_bytes(b, "big")
        chained = bytes(16)
        for start in range(0, len(head + q), 16):
            chained = aes(bytes(x ^ y for x, y in zip(chained, (head + q)[start : start + 16], strict=True)))
        drawn = chained + b"".join(
            aes(bytes(x ^ y for x, y in zip(chained, j.to_bytes(16, "big"), strict=True))) for j in range(1, -(-d // 16))
        )
        m = u if i % 2 == 0 else v
        total = (number(left) + int.from_bytes(drawn[:d], "big")) % radix**m
        left, right = right, [total // radix**place % radix for place in range(m - 1, -1, -1)]
    return left + right


@pytest.mark.slow
def test_encryption_of_a_whole_domain_is_a_permutation() -> None:
    """All million numbers of six digits: each is the image of exactly one."""
    encrypted = FF1(AES, 10).encrypt_numbers(np.arange(10**6, dtype=np.uint64), 6)
    assert len(np.unique(encrypted)) == 10**6
    assert int(encrypted.max()) == 10**6 - 1


@pytest.mark.parametrize(("radix", "length"), [(10, 5), (2, 19), (62, 3), (10**6, 1), (10, MAX_DIGITS + 1)])
def test_domain_that_is_too_small_or_too_long_is_refused(radix: int, length: int) -> None:
    """Fewer than a million values could be tried one by one."""
    with pytest.raises(ValueError, match="digits"):
        FF1(AES, radix).encrypt(np.zeros((1, length), np.uint32))


@pytest.mark.parametrize("length", [0, 8, 15, 33])
def test_aes_key_of_another_length_is_refused(length: int) -> None:
    """AES knows three lengths."""
    with pytest.raises(ValueError, match="16, 24 or 32"):
        KeyedCipher(bytes(length))
