"""Spans of texts: what is found in them, and in linear time."""

import pyarrow as pa
import pytest

from tasks.detection import KINDS, Mentions, cut_texts, find_spans


def _found(text: str) -> list[tuple[str, str]]:
    cut = cut_texts(pa.array([text]))
    return [(cut.spans[int(code)].as_py(), KINDS[kind]) for code, kind in zip(cut.code, find_spans(cut), strict=True) if kind]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail jo.x@example.org.", [("jo.x@example.org", "email")]),
        ("card 4111 1111 1111 1111, not 4111 1111 1111 1112", [("4111 1111 1111 1111", "card")]),
        ("IBAN DE89 3704 0044 0532 0130 00 thanks", [("DE89 3704 0044 0532 0130 00", "iban")]),
        ("12.03.2013 030 1234567", [("030 1234567", "phone")]),
        ("ssn 123-45-6789 from 10.0.0.1", [("123-45-6789", "number"), ("10.0.0.1", "device")]),
        ("for Anna Müller at the gate", [("Anna", "person"), ("Müller", "person")]),
        ("Mr. Zzyx called", [("Zzyx", "person")]),
        ("Spoke to Anna Zubrowka", [("Anna", "person"), ("Zubrowka", "person")]),
        ("call Qworty Schmidt", [("Qworty", "person"), ("Schmidt", "person")]),
        ("anna schmidt", [("anna", "person"), ("schmidt", "person")]),
        ("Jean-Pierre's bag", [("Jean-Pierre's", "person")]),
        ("Jose\u0301", [("José", "person")]),
        ("Иван звонил", [("Иван", "person")]),
        ("Window seat, please. Will you come in May? New York, Paris", []),
        ("[person-3fa9c1d2] called", []),
        ("\x00 🙂 \u202e ", []),
        ("", []),
    ],
)
def test_spans_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    """Numbers by form and checksum, names by the lists, by titles and by neighbours; words alone are no names."""
    assert _found(text) == expected


@pytest.mark.parametrize("text", ["plain", "Anna, Müller", "", "a\ufdd0b", "王伟打电话", "\u200e\u05d0\u05d1", "e\u0301", "x\x00y"])
def test_pieces_join_to_the_text(text: str) -> None:
    """In normal form C, without the one code point that parts them."""
    pieces = cut_texts(pa.array([text])).pieces[0].as_py()
    assert "".join(pieces) == {"a\ufdd0b": "ab", "e\u0301": "é"}.get(text, text)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a", "555-123-4567,", "a@", "Anna ", "1", "+1", "a-", "1.", "(", "DE89 3704 "])
def test_a_megabyte_is_read_in_linear_time(unit: str) -> None:
    """Each of these would take a backtracking or unbounded search minutes."""
    text = unit * (1_000_000 // len(unit))
    cut = cut_texts(pa.array([text]))
    assert len(find_spans(cut)) == len(cut.code)
    assert "".join(cut.pieces[0].as_py()) == text


def _mentions(text: str, value: str | None, *, is_worded: bool = True) -> list[str]:
    cut = cut_texts(pa.array([text]))
    found, _ = Mentions(cut).match(pa.array([value], pa.string()), is_worded=is_worded)
    return [cut.spans[int(code)].as_py() for code, place in zip(cut.code, found, strict=True) if place >= 0]


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("ask ZZYX", "Zzyx", ["ZZYX"]),
        ("Zzyxs Koffer, zzyx's bag", "Zzyx", ["Zzyxs", "zzyx's"]),
        ("Mueller, muller, MÜLLER", "Müller", ["Mueller", "muller", "MÜLLER"]),
        ("Zimbo-Qwert", "Qwert", ["Zimbo-Qwert"]),
        ("the man and the van", "Van der Berg", []),
        ("ask Frau Le", "Mai Le", ["Le"]),
        ("market", "Mark", ["market"]),
        ("marketing", "Mark", []),
        ("王伟打电话", "王伟", ["王", "伟"]),
        ("anna.q@x.org and q", "Anna.Q@X.org", ["anna.q@x.org"]),
        ("nothing", None, []),
        ("nothing", "", []),
    ],
)
def test_own_values_are_found_however_they_are_written(text: str, value: str | None, expected: list[str]) -> None:
    """Case, accents, endings, halves, scripts; a word of three letters more is another word."""
    assert _mentions(text, value) == expected


def test_numbers_are_compared_without_what_stands_between() -> None:
    """A loyalty number with a hyphen, a telephone number with spaces."""
    assert _mentions("no WT-12345", "WT12345", is_worded=False) == ["WT-12345"]
    assert _mentions("call +1 212 555 0123", "+1-212-555-0123", is_worded=False) == ["+1 212 555 0123"]


def test_a_row_mentions_its_own_values_only() -> None:
    """The same word in another row is not this row's."""
    cut = cut_texts(pa.array(["zzyx", "zzyx"]))
    found, distinct = Mentions(cut).match(pa.array(["Zzyx", "Other"]), is_worded=True)
    assert (found.tolist(), distinct.to_pylist()) == ([0, -1], ["Zzyx", "Other"])
