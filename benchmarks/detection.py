"""What looking for personal data costs: cells of columns and rows of texts a CPU second; presidio-analyzer beside it, if there."""

import random
import statistics
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks.measure import print_table
from tasks.detection import classify_columns, cut_texts, find_spans

_ROWS, _PEER_ROWS, _RUNS = 1_000_000, 300, 3


def looking_for_people() -> None:
    """A table of a million rows and ten columns, and a column of notes that are all different."""
    table, notes = (
        _table(),
        [f"Please call Anna Acker{place} on +1-212-555-{place % 9000:04d}, seat {place}." for place in range(100_000)],
    )
    columns = statistics.median(_cpu_seconds(lambda: classify_columns(table)) for _ in range(_RUNS))
    texts = statistics.median(_cpu_seconds(lambda: find_spans(cut_texts(pa.array(notes)))) for _ in range(_RUNS))
    cells = table.num_rows * table.num_columns
    rows = [
        ("columns", f"{cells:,} cells", f"{cells / columns / 1e6:.1f} M cells", ""),
        ("texts", f"{len(notes):,} notes", f"{len(notes) / texts:,.0f} notes", _peer(notes[:_PEER_ROWS])),
    ]
    print_table("Looking for personal data", ("what", "of", "a CPU second", "presidio-analyzer"), rows)


def _table() -> pa.Table:
    """Categories, codes, numbers, times, and three columns of people."""
    rng, draw = np.random.default_rng(1), random.Random(1)
    numbers = np.arange(_ROWS)
    codes = pa.array([f"{draw.choice('ABCDEFGH')}{place:03d}" for place in range(800)])
    return pa.table(
        {
            "category": pa.array(["basic", "plus", "gold"]).take(pa.array(numbers % 3)),
            "code": codes.take(pa.array(rng.integers(0, 800, _ROWS))),
            "amount": rng.normal(100, 20, _ROWS),
            "count": rng.integers(0, 50, _ROWS),
            "at": pa.array(numbers * 1_000_000, pa.timestamp("us", "UTC")),
            "is_late": numbers % 7 == 0,
            "distance": rng.integers(100, 4000, _ROWS),
            "mail": pa.array([f"a{place % 200_000}@example.org" for place in range(_ROWS)]),
            "who": pa.array([f"Anna Acker{place % 50_000}" for place in range(_ROWS)]),
            "serial": pa.array([f"w{place}" for place in range(_ROWS)]),
        }
    )


def _peer(notes: list[str]) -> str:
    """The notes that presidio-analyzer reads in a CPU second, without a language model, as it works offline."""
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        return "not installed (extra text)"
    model = SpacyNlpEngine()
    model.nlp = {"en": spacy.blank("en")}
    engine = AnalyzerEngine(nlp_engine=model, supported_languages=["en"])
    spent = _cpu_seconds(lambda: [engine.analyze(text=note, language="en") for note in notes])
    return f"{len(notes) / spent:,.0f} notes"


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    looking_for_people()
