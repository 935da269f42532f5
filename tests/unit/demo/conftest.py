"""What the demo's tests share: the real flights, a few passengers, and one small lake that no test changes."""

import pyarrow as pa
import pytest
from demo_lakes import PERIOD, SEED, Grown, day, describe, inodes, store

from tasks.demo import build_lake
from tasks.demo.flights import derive_flights
from tasks.demo.passengers import Passengers, draw_passengers
from tasks.demo.source import read_source


@pytest.fixture(scope="session")
def flights() -> pa.Table:
    return derive_flights(read_source("flights"), read_source("airports"))


@pytest.fixture(scope="session")
def passengers() -> Passengers:
    return draw_passengers(SEED, 5_000)


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    lake = tmp_path_factory.mktemp("grown") / "lake"
    build_lake(lake, day(7), seed=SEED, period=PERIOD, save_model=store)
    before, before_inodes = describe(lake), inodes(lake)
    return Grown(lake, build_lake(lake, day(8), seed=SEED, save_model=store), before, before_inodes)
