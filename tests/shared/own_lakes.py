"""Lakes as a user brings them: real tables that scikit-learn carries, real flights with a model's scores, synthetic people."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn import datasets

from tasks.demo.source import read_source

FIRST = (
    "Anna",
    "Bea",
    "Carl",
    "Dora",
    "Emil",
    "Fritz",
    "Gerda",
    "Hans",
    "Ida",
    "Jan",
    "Karla",
    "Leo",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
)
LAST = ("Acker", "Bauer", "Christ", "Dorn", "Ebert", "Fuchs", "Gross", "Huber", "Imhof", "Jung", "Kern", "Lang", "Maier", "Noll")


def _bundled(load: Callable[..., object], label: str, names: dict[int, str] | None = None) -> pa.Table:
    bunch = load(as_frame=True)
    frame = bunch.data.copy()
    target = bunch.target
    frame[label] = target.map(names) if names else target
    return pa.Table.from_pandas(frame, preserve_index=False)


def breast_cancer() -> pa.Table:
    """569 tumours, 30 measurements, benign or not: binary, no entity, no time."""
    return _bundled(datasets.load_breast_cancer, "benign")


def iris() -> pa.Table:
    """150 flowers of three kinds, named."""
    return _bundled(datasets.load_iris, "species", {0: "setosa", 1: "versicolor", 2: "virginica"})


def wine() -> pa.Table:
    """178 wines of three cultivars, numbered."""
    return _bundled(datasets.load_wine, "cultivar")


def digits() -> pa.Table:
    """1,797 handwritten digits, 64 pixels: ten classes."""
    return _bundled(datasets.load_digits, "digit")


def diabetes() -> pa.Table:
    """442 patients, the disease's progress a year later: regression."""
    return _bundled(datasets.load_diabetes, "progress")


def flights(rows: int = 6000) -> pa.Table:
    """Real departures from New York with the aircraft (entity), times, a label, and a score that knows a little of it."""
    found = read_source("flights").to_pandas()
    found = found.dropna(subset=["arr_delay", "tailnum"]).iloc[:: max(1, len(found) // rows)].head(rows).reset_index(drop=True)
    rng = np.random.default_rng(7)
    is_late = (found["arr_delay"] > 15).astype("int64")
    scheduled = pd.to_datetime(found["time_hour"], utc=True).dt.tz_convert("UTC")
    hidden = -1.2 + 0.02 * found["dep_delay"].clip(-10, 60) + rng.normal(0, 1.0, len(found))
    frame = pd.DataFrame(
        {
            "flight_id": [f"F{number:06d}" for number in range(len(found))],
            "scheduled": scheduled,
            "arrived": scheduled + pd.to_timedelta(found["air_time"].fillna(120) + 60, unit="min"),
            "carrier": found["carrier"],
            "origin": found["origin"],
            "dest": found["dest"],
            "tailnum": found["tailnum"],
            "distance": found["distance"].astype("float64"),
            "dep_hour": found["hour"].astype("int64"),
            "arr_delay": found["arr_delay"].astype("float64"),
            "production_score": 1 / (1 + np.exp(-hidden)),
            "is_late": is_late,
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False)


def people(rows: int = 3000, seed: int = 5) -> pa.Table:
    """Synthetic customers with everything that must not leave: names, birth dates, e-mails, telephone, notes, a place."""
    rng = np.random.default_rng(seed)
    first, last = rng.choice(FIRST, rows), rng.choice(LAST, rows)
    age = np.clip(rng.normal(45, 15, rows), 18, 90)
    contacts = rng.poisson(2, rows)
    churn = rng.random(rows) < 1 / (1 + np.exp(2 + 0.04 * (age - 45) - 0.6 * contacts))
    frame = pd.DataFrame(
        {
            "customer_no": [f"C{number:07d}" for number in rng.permutation(rows)],
            "full_name": [f"{a} {b}" for a, b in zip(first, last, strict=True)],
            "contact": [f"{a}.{b}{n}@example.org".lower() for n, (a, b) in enumerate(zip(first, last, strict=True))],
            "reachable_at": [f"+49 {rng.integers(100, 999)} {rng.integers(1000000, 9999999)}" for _ in range(rows)],
            "born_on": (pd.Timestamp("2024-01-01") - pd.to_timedelta((age * 365.25).astype(int), unit="D")).date,
            "zip": [f"{code:05d}" for code in rng.choice([10115, 10117, 10119, 20095, 20097, 80331, 80333, 80335], rows)],
            "sex": rng.choice(["f", "m"], rows),
            "remark": [f"{a} said that the line was bad for {n} days and wants a call" for n, a in enumerate(first)],
            "contacts": contacts,
            "plan": rng.choice(["basic", "plus", "max"], rows),
            "monthly_fee": np.round(rng.normal(40, 12, rows), 2),
            "closing_code": np.where(churn, "left", "stays"),
            "churned": churn,
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False)


def write_lake(folder: Path, **tables: pa.Table) -> Path:
    """A lake of one folder and one Parquet file per table."""
    for name, table in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name / "part-0.parquet")
    return folder
