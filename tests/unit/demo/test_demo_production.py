"""The production model: what it knew, when it spoke, and a log that can be checked against the model."""

import json
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score

from tasks.demo.production import FEATURES, ProductionModel, dump_model, score_flights, train_model
from tasks.demo.streams import microseconds

TRAINED_UNTIL = date(2013, 1, 22)


@pytest.fixture(scope="module")
def model(flights: pa.Table) -> ProductionModel:
    return train_model(flights, date(2013, 1, 1), TRAINED_UNTIL)


@pytest.fixture(scope="module")
def log(flights: pa.Table, model: ProductionModel) -> pa.Table:
    start, stop = (microseconds(datetime(2013, 2, day, tzinfo=timezone.utc)) for day in (14, 21))
    return score_flights(flights, model, 7, start, stop)


def test_each_flight_is_scored_once_two_hours_ahead(log: pa.Table, flights: pa.Table) -> None:
    """predicted_utc is two hours before the timetable's departure, request and flight are unique."""
    joined = log.join(flights.select(["flight_id", "scheduled_utc"]), "flight_id")
    lead = pc.subtract(joined["scheduled_utc"], joined["predicted_utc"]).cast(pa.int64()).to_numpy()
    assert (lead == timedelta(hours=2) // timedelta(microseconds=1)).all()
    assert len(pc.unique(log["request_id"])) == len(pc.unique(log["flight_id"])) == log.num_rows > 5_000


def test_logged_features_give_the_logged_score(log: pa.Table, model: ProductionModel) -> None:
    """The model, given the features as they were logged, says again what it said; rounded to six decimals."""
    rows = log.slice(0, 200)
    features = pd.DataFrame([json.loads(text) for text in rows["features"].to_pylist()])
    assert tuple(features.columns) == FEATURES
    again = model.pipeline.predict_proba(features)[:, 1]
    assert np.abs(again - rows["score"].to_numpy()).max() <= 0.5e-6 + 1e-12
    assert (np.round(rows["score"].to_numpy(), 6) == rows["score"].to_numpy()).all()


def test_the_model_knows_something_and_not_much(log: pa.Table, flights: pa.Table) -> None:
    """Better than chance on days that it did not learn from, far from good."""
    joined = log.join(flights.select(["flight_id", "is_late"]), "flight_id")
    assert 0.55 < roc_auc_score(joined["is_late"].to_numpy(), joined["score"].to_numpy()) < 0.75


def test_the_model_learns_from_the_past_only(flights: pa.Table, model: ProductionModel) -> None:
    """Flights known only after its training changed nothing: the same model comes of a table without them."""
    stop = microseconds(datetime(2013, 1, 22, tzinfo=timezone.utc))
    past = flights.filter(pc.less(flights["arrival_known_utc"].cast(pa.int64()), stop))
    again = train_model(past, date(2013, 1, 1), TRAINED_UNTIL)
    assert np.array_equal(again.pipeline[-1].coef_, model.pipeline[-1].coef_)


def test_the_version_names_the_last_month_of_training(model: ProductionModel, log: pa.Table, flights: pa.Table) -> None:
    """delay-2013-03 for January to March."""
    assert model.version == "delay-2013-01"
    assert pc.unique(log["model_version"]).to_pylist() == ["delay-2013-01"]
    assert train_model(flights, date(2013, 3, 25), date(2013, 4, 1)).version == "delay-2013-03"


@pytest.mark.slow
def test_the_model_is_stored_as_skops(model: ProductionModel) -> None:
    """Without a canonical writer skops' own archive is stored, and needs no type beyond skops' trusted ones."""
    from skops.io import get_untrusted_types, loads

    data = dump_model(model, None)
    assert get_untrusted_types(data=data) == []
    assert np.array_equal(loads(data)[-1].coef_, model.pipeline[-1].coef_)
    assert dump_model(model, lambda pipeline: type(pipeline).__name__.encode()) == b"Pipeline"
