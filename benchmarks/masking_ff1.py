"""Format-preserving encryption of whole columns, beside the Python package ff3 (which does the withdrawn FF3, cell by cell)."""

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks.measure import median_rates, print_table
from tasks.masking.keyed_hash import KeyedCipher
from tasks.masking.transforms import encrypt
from tasks.params.masking_rules import EncryptRule

_ROWS = 1_000_000
_PEER_ROWS = 5_000
_REPEATS = 5
_TEXTS = {"alphabet": "digits"}
_CARDS = {"alphabet": "digits", "keep": " ", "luhn": True}


def format_preserving_encryption() -> None:
    """Whole numbers, texts of digits and card numbers, all distinct, in cells per CPU second."""
    rng, cipher = np.random.default_rng(1), KeyedCipher(bytes(range(32)))
    numbers = pa.chunked_array([pa.array(rng.integers(0, 10**12, _ROWS))])
    texts = pa.chunked_array([pa.array([f"{number:012d}" for number in numbers.to_pylist()])])
    cards = _with_check_digits(numbers)
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "whole numbers of 12 digits": (_ROWS, lambda: encrypt(numbers, _rule(digits=12), cipher, where="t.n")),
        "texts of 12 digits": (_ROWS, lambda: encrypt(texts, _rule(**_TEXTS), cipher, where="t.s")),
        "card numbers, spaces kept, Luhn": (_ROWS, lambda: encrypt(cards, _rule(**_CARDS), cipher, where="t.c")),
    }
    sample = texts.slice(0, _PEER_ROWS).to_pylist()
    if importlib.util.find_spec("ff3") is not None:
        peer = importlib.import_module("ff3").FF3Cipher("EF4359D8D580AA4F7F036D6F04FC6A94", "D8E7920AFA330A73")
        ways["ff3, cell by cell"] = (_PEER_ROWS, lambda: [peer.encrypt(text) for text in sample])
    else:
        print("\nff3 is not installed: install it beside this project to see it in the table")
    rates = median_rates(ways, _REPEATS)
    slowest = rates.get("ff3, cell by cell")
    rows = [[name, f"{rate / 1e6:.2f}", f"{rate / slowest:,.0f}" if slowest else ""] for name, rate in rates.items()]
    print_table(f"FF1 on {_ROWS:,} cells, all distinct", ["what", "million cells per CPU s", "times ff3"], rows)


def _rule(**setting: object) -> EncryptRule:
    return EncryptRule.model_validate({"class": "identifier", "transform": "encrypt", **setting})


def _with_check_digits(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Card numbers of 16 digits in groups of four."""
    payload = [f"400{number:012d}" for number in numbers.to_pylist()]
    cards = []
    for digits in payload:
        total = sum(int(digit) for digit in digits[1::2]) + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::2])
        full = f"{digits}{-total % 10}"
        cards.append(" ".join(full[start : start + 4] for start in range(0, 16, 4)))
    return pa.chunked_array([pa.array(cards)])


if __name__ == "__main__":
    format_preserving_encryption()
