"""The demo's bookings under a policy with every kind of transform: beside Presidio's anonymizer and pandas, and as rows grow.

`python -m benchmarks.masking_bookings --rows 10000000` writes and masks that many in partitions, in this one process.
"""

import argparse
import hashlib
import hmac
import importlib
import importlib.util
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.measure import environment, measure, median_rates, print_table
from tasks.datasets import DatasetWriter, read_manifest, write_atomically
from tasks.demo.bookings import Draws, compose_bookings
from tasks.demo.passengers import Passengers, draw_passengers
from tasks.masking import MaskingKey, RawPartition, TableWork, conclude, mask_table, observe, open_engine
from tasks.params.masking import MaskingParams

_ROWS = 200_000
_PEER_ROWS = 20_000
_SLOW_PEER_ROWS = 2_000
_REPEATS = 5
_PARTITION_ROWS = 250_000
_FLIGHTS = 336_776
_KEY = MaskingKey("bench", bytes(range(32)))
_TEXTS = (
    "booking_id",
    "flight_id",
    "loyalty_no",
    "name",
    "email",
    "phone",
    "postcode",
    "card_number",
    "iban",
    "ip_address",
    "note",
)
_COLUMNS: dict[str, dict[str, Any]] = {
    "name": {"class": "identifier", "transform": "fake", "list": "full_name"},
    "email": {"class": "identifier", "transform": "token"},
    "phone": {"class": "identifier", "transform": "encrypt", "alphabet": "digits", "keep": "+-"},
    "birth_date": {"class": "quasi", "transform": "date_shift", "per": "loyalty_no", "max_days": 180},
    "member_since": {"class": "quasi", "transform": "generalise", "to": "year"},
    "postcode": {"class": "quasi", "transform": "generalise", "keep_prefix": 2},
    "card_number": {"class": "identifier", "transform": "encrypt", "alphabet": "digits", "luhn": True},
    "iban": {"class": "identifier", "transform": "redact"},
    "ip_address": {"class": "identifier", "transform": "constant", "value": "198.18.0.0"},
    "note": {"class": "free_text", "transform": "text", "names_in": ["name", "email", "phone"]},
    "fare_usd": {"class": "sensitive", "transform": "noise", "per": ["booking_id"], "scale": 5.0, "low": 0.0},
    "seat_class": {"class": "sensitive", "transform": "shuffle", "per": ["booking_id"], "within": ["channel"]},
    "channel": {"class": "quasi", "transform": "drop"},
    "lead_hours": {"class": "quasi", "transform": "bucket", "edges": [2.0, 24.0, 168.0]},
    "points": {"class": "quasi", "transform": "round", "step": 100},
    "bags": {"class": "quasi", "transform": "clip", "high": 3},
    "booked_at": {"class": "quasi", "transform": "date_part", "part": "month"},
}
_POLICY = MaskingParams.model_validate(
    {
        "key": {"env": "NONE", "file": "none", "id": "bench"},
        "domains": {
            "booking": ["bookings.booking_id"],
            "flight": ["bookings.flight_id"],
            "passenger": ["bookings.loyalty_no"],
        },
        "tables": {
            "bookings": {
                "safe": ["booked_utc", "loyalty_tier"],
                "reason": "measured",
                **_COLUMNS,
                "suppress": {"columns": ["postcode", "member_since"], "k": 5, "per": "loyalty_no"},
            }
        },
    }
)


class Bookings:
    """Any number of bookings of the demo's passengers, a stretch at a time."""

    def __init__(self) -> None:
        self._passengers: Passengers = draw_passengers(1)
        self._flights = pa.table({"flight_id": pa.array([f"2013-{number:06d}" for number in range(_FLIGHTS)])})

    def draw(self, first: int, count: int) -> pa.Table:
        """The bookings ``first`` to ``first + count``, in order of their numbers."""
        rng, number = np.random.default_rng([1, first]), np.arange(first, first + count)
        draws = Draws(
            flight=rng.integers(0, _FLIGHTS, count),
            passenger=rng.integers(0, self._passengers.table.num_rows, count),
            number=number,
            booked=1_356_998_400_000_000 + number * 300_000,
            note=rng.choice(7, count, p=[0.72, 0.06, 0.04, 0.04, 0.05, 0.05, 0.04]),
            address=rng.integers(0, 2**17, count),
            fare=rng.integers(4_900, 90_000, count),
            choice=rng.integers(0, 64, count),
        )
        table = compose_bookings(draws, self._flights, self._passengers)
        more = {
            "lead_hours": rng.gamma(2.0, 60.0, count),
            "points": rng.integers(0, 20_000, count),
            "bags": rng.poisson(1.0, count),
        }
        for name, values in more.items():
            table = table.append_column(name, pa.array(values))
        return table.append_column("booked_at", table.column("booked_utc"))


def whole_policy() -> None:
    """Rows per CPU second of the whole policy, facts of the table apart, beside what others do of it."""
    raw = Bookings().draw(0, _ROWS)
    work = TableWork("bookings", ("booking_id",), Path(), Path(), _POLICY, _KEY)
    facts = conclude(_POLICY, "bookings", [observe("bookings", raw, _POLICY, _KEY)])
    frame = raw.slice(0, _PEER_ROWS).to_pandas()
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "here: 20 columns": (_ROWS, lambda: mask_table("bookings", raw, _POLICY, work.keys, facts=facts)),
        "pandas: the same, tokens in place of encryption": (_PEER_ROWS, lambda: _by_pandas(frame)),
    }
    presidio = _presidio(frame.head(_SLOW_PEER_ROWS))
    if presidio is None:
        print("\npresidio-anonymizer is not installed: install it beside this project to see it in the table")
    else:
        ways["Presidio's anonymizer: the 11 texts alone, spans given"] = (_SLOW_PEER_ROWS, presidio)
    rates = median_rates(ways, _REPEATS)
    ours = rates["here: 20 columns"]
    print_table(
        f"Bookings under every kind of transform, {_ROWS:,} rows, load {os.getloadavg()[0]:.0f}",
        ["what", "rows per CPU s", "slower by"],
        [[name, f"{rate:,.0f}", f"{ours / rate:.1f}"] for name, rate in rates.items()],
    )


def growth(scratch: Path, rows: tuple[int, ...] = (250_000, 1_000_000), engine: str = "local") -> None:
    """Bookings written and masked in partitions, each number of rows in a process of its own: time and peak memory."""
    found = []
    for count in rows:
        folder = scratch / str(count)
        folder.mkdir(parents=True)
        report = folder / "report.json"
        command = [sys.executable, "-m", "benchmarks.masking_bookings", "--rows", str(count), "--engine", engine]
        cost = measure([*command, "--folder", str(folder)], Path.cwd(), environment(PYTHONPATH=str(Path.cwd())))
        said = json.loads(report.read_bytes())
        # Java's and its workers' processor time is not this process's children's.
        cpu = [said["observe"], said["mask"], said["mask"] / count * 1e6] if engine == "local" else []
        found.append([f"{count:,}", *(f"{value:.1f}" for value in cpu), *([""] * (3 - len(cpu)))])
        found[-1] += [f"{said['wall']:.0f}", f"{cost.peak_mb:,.0f}"]
    head = ["rows", "facts, CPU s", "mask, CPU s", "CPU s per million", "wall s", "peak MB"]
    print_table(
        f"Bookings masked in partitions of {_PARTITION_ROWS:,}, engine {engine}, load {os.getloadavg()[0]:.0f}", head, found
    )


def _grow(folder: Path, rows: int, engine: str) -> None:
    """Write ``rows`` bookings below ``folder``, mask them, and leave there what it took; the masked rows are thrown away."""
    bookings, raw = Bookings(), folder / "raw"
    with DatasetWriter(raw, "snapshots") as writer:
        for first in range(0, rows, _PARTITION_ROWS):
            table = bookings.draw(first, min(_PARTITION_ROWS, rows - first))
            writer.write(f"bookings/{first:012d}.parquet", "raw", table, ["booking_id"])
        writer.finish({})
    del bookings
    records = read_manifest(raw, made_by="snapshot").tables["bookings"].partitions
    work = TableWork("bookings", ("booking_id",), raw, folder / "masked", _POLICY, _KEY)
    chosen = _POLICY if engine == "local" else _POLICY.model_copy(update=_spark(engine))
    began, wall = _cpu(), time.monotonic()
    with DatasetWriter(folder / "masked", "masked") as writer, open_engine(chosen, folder / "spill") as used:
        facts = conclude(_POLICY, "bookings", used.observe(work, records))
        observed = _cpu()
        work = TableWork("bookings", ("booking_id",), raw, folder / "masked", _POLICY, _KEY, facts)
        for packed in used.mask(work, [RawPartition(record, "masked") for record in records]):
            writer.adopt(packed)
        writer.finish({})
    figures = {"observe": observed - began, "mask": _cpu() - observed, "wall": time.monotonic() - wall}
    write_atomically(folder / "report.json", json.dumps(figures).encode())


def _spark(master: str) -> dict[str, Any]:
    from tasks.params.masking import SparkParams

    return {"engine": "spark", "spark": SparkParams.model_validate({"master": master})}


def _cpu() -> float:
    """Of this process and of the children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _by_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """What a careful person writes: each distinct value hashed once, whole columns where pandas has them."""

    def hashed(values: pd.Series, key: bytes) -> pd.Series:
        return values.map({value: hmac.new(key, str(value).encode(), hashlib.sha256).digest() for value in values.unique()})

    def token(values: pd.Series, key: bytes) -> pd.Series:
        return hashed(values, key).map(lambda digest: digest.hex()[:32])

    names = np.array(["Ada Lovelace", "Alan Turing", "Grace Hopper"])
    days = hashed(frame["loyalty_no"], b"shift").map(lambda digest: int.from_bytes(digest[:8]) % 361 - 180)
    notes = [
        note if not isinstance(note, str) else note.replace(name, "<name>").replace(email, "<email>").replace(phone, "<phone>")
        for note, name, email, phone in zip(frame["note"], frame["name"], frame["email"], frame["phone"], strict=True)
    ]
    rng = np.random.default_rng(1)
    tokens = {
        name: token(frame[name], name.encode())
        for name in ("booking_id", "flight_id", "loyalty_no", "email", "phone", "card_number")
    }
    masked = pd.DataFrame(
        {
            **tokens,
            "name": names[hashed(frame["name"], b"name").map(lambda digest: int.from_bytes(digest[:8]) % 3)],
            "birth_date": pd.to_datetime(frame["birth_date"]) + pd.to_timedelta(days, unit="D"),
            "member_since": pd.to_datetime(frame["member_since"]).dt.year,
            "postcode": frame["postcode"].str[:2],
            "iban": "[redacted]",
            "ip_address": "198.18.0.0",
            "note": notes,
            "fare_usd": (frame["fare_usd"] + rng.normal(0, 5, len(frame))).clip(lower=0),
            "seat_class": frame.groupby("channel")["seat_class"].transform(rng.permutation),
            "lead_hours": np.digitize(frame["lead_hours"], [2, 24, 168]),
            "points": (frame["points"] / 100).round() * 100,
            "bags": frame["bags"].clip(upper=3),
            "booked_at": frame["booked_at"].dt.month,
            "booked_utc": frame["booked_utc"],
            "loyalty_tier": frame["loyalty_tier"],
        }
    )
    held = masked.assign(person=frame["loyalty_no"]).groupby(["postcode", "member_since"])["person"].transform("nunique")
    masked.loc[held < 5, "postcode"] = None
    return masked.sort_values("booking_id")


def _presidio(frame: pd.DataFrame) -> Callable[[], object] | None:
    """Each text cell through the anonymizer, told that the whole cell is personal data; None where it is not installed."""
    if importlib.util.find_spec("presidio_anonymizer") is None:
        return None
    package = importlib.import_module("presidio_anonymizer")
    entities = importlib.import_module("presidio_anonymizer.entities")
    engine, operator = package.AnonymizerEngine(), entities.OperatorConfig
    hashing = operator("hash", {"hash_type": "sha256", "salt": bytes(32)})
    ways = dict.fromkeys(("booking_id", "flight_id", "loyalty_no", "email"), hashing) | {
        "name": operator("replace", {"new_value": "Ada Lovelace"}),
        "phone": operator("encrypt", {"key": bytes(range(16))}),
        "card_number": operator("encrypt", {"key": bytes(range(16))}),
        "postcode": operator("mask", {"masking_char": "*", "chars_to_mask": 3, "from_end": True}),
    }
    texts = {name: [text for text in frame[name] if isinstance(text, str)] for name in _TEXTS}

    def anonymize() -> None:
        for name, cells in texts.items():
            way = {"PERSON": ways.get(name, operator("redact", {}))}
            for cell in cells:
                engine.anonymize(cell, [entities.RecognizerResult("PERSON", 0, len(cell), 1.0)], way)

    return anonymize


def main() -> None:
    """As the module says; without ``--folder`` in a temporary one, and printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--engine", default="local", help="local, or the master of a Spark cluster")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.folder is not None:
        _grow(chosen.folder, chosen.rows[0], chosen.engine)
    elif chosen.rows is not None:
        with tempfile.TemporaryDirectory(prefix="windtunnel-bench-") as name:
            growth(Path(name), tuple(chosen.rows), chosen.engine)
    else:
        whole_policy()


if __name__ == "__main__":
    main()
