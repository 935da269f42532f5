"""The demo's production model: what it was trained on, how it scores, and the log of what it said.

What belongs here: the champion as production runs it, on raw data. What does not: the pipeline's own training, or storing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.demo.streams import MINUTE_US, as_integers, as_timestamps, microseconds

FEATURES = ("carrier", "origin", "dest", "local_hour", "local_weekday", "distance")
"""All that the model looks at: the timetable, known long before departure."""
PREDICTED_BEFORE_US = 120 * MINUTE_US
_CATEGORIES = ["carrier", "origin", "dest", "local_hour", "local_weekday"]
_DECIMALS = 4
"""Coefficients are rounded, so that one machine's last digits do not show in another's scores."""


@dataclass(frozen=True)
class ProductionModel:
    """A fitted scikit-learn pipeline and its version, for example ``delay-2013-03``, after its last month of training."""

    version: str
    pipeline: Any


def train_model(flights: pa.Table, first_day: date, trained_until: date) -> ProductionModel:
    """Fit the logistic regression on the flights scheduled and landed from ``first_day`` until before ``trained_until``.

    It is a model of its day, not a good one: no weather, no delays earlier in the day, and a winter's data only.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    start, stop = (microseconds(datetime(d.year, d.month, d.day, tzinfo=timezone.utc)) for d in (first_day, trained_until))
    scheduled, known = as_integers(flights["scheduled_utc"]), as_integers(flights["arrival_known_utc"])
    rows = flights.filter(pa.array((scheduled >= start) & (known < stop)))
    columns = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore"), _CATEGORIES), ("numbers", StandardScaler(), ["distance"])]
    )
    pipeline = Pipeline([("columns", columns), ("regression", LogisticRegression(solver="newton-cholesky", tol=1e-8))])
    pipeline.fit(rows.select(list(FEATURES)).to_pandas(), rows["is_late"].to_numpy())
    regression = pipeline.named_steps["regression"]
    regression.coef_, regression.intercept_ = np.round(regression.coef_, _DECIMALS), np.round(regression.intercept_, _DECIMALS)
    return ProductionModel(f"delay-{trained_until - timedelta(days=1):%Y-%m}", pipeline)


def dump_model(model: ProductionModel, save_model: Callable[[object], bytes] | None) -> bytes:
    """The pipeline as a skops archive, by ``save_model`` (a canonical writer) or, without one, by skops itself."""
    if save_model is not None:
        return save_model(model.pipeline)
    from skops.io import dumps

    data: bytes = dumps(model.pipeline)
    return data


def score_flights(flights: pa.Table, model: ProductionModel, seed: int, from_us: int, until_us: int) -> pa.Table:
    """The lake's table ``predictions``: each flight scored two hours before its scheduled departure, in that window of time.

    Columns: request_id, flight_id, predicted_utc, model_version, features (JSON, as the model saw them), score (chance of
    the flight being late, rounded to six decimals), latency_ms.
    """
    predicted = as_integers(flights["scheduled_utc"]) - PREDICTED_BEFORE_US
    is_scored = (predicted >= from_us) & (predicted < until_us)
    rows, predicted = flights.filter(pa.array(is_scored)), predicted[is_scored]
    scores = model.pipeline.predict_proba(rows.select(list(FEATURES)).to_pandas())[:, 1] if rows.num_rows else np.zeros(0)
    return pa.table(
        {
            "request_id": _identify(rows["flight_id"], seed),
            "flight_id": rows["flight_id"],
            "predicted_utc": as_timestamps(predicted),
            "model_version": pa.repeat(model.version, rows.num_rows),
            "features": _log_features(rows),
            "score": pc.round(pa.array(scores), 6),
        }
    )


def _identify(flight_id: pa.ChunkedArray, seed: int) -> pa.ChunkedArray:
    """A request id per flight: 32 hexadecimal digits, unique and the same in every lake of the seed."""
    import duckdb  # here, since stages import this package only to know the demo's key

    with duckdb.connect() as connection:
        connection.register("scored", pa.table({"text": pc.binary_join_element_wise(f"request/{seed}", flight_id, "/")}))
        return connection.sql("SELECT md5(text) AS request_id FROM scored").to_arrow_table()["request_id"]


def _log_features(rows: pa.Table) -> pa.ChunkedArray:
    import duckdb

    fields = ", ".join(f"{name}: {name}" for name in FEATURES)
    with duckdb.connect() as connection:
        connection.register("scored", rows.select(list(FEATURES)))
        query = f"SELECT to_json({{{fields}}})::VARCHAR AS features FROM scored"  # noqa: S608 - names of this module
        return connection.sql(query).to_arrow_table()["features"]
