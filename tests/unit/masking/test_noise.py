"""Noise: the same for the same row, of the stated size, within its bounds."""

import hmac
import math
from statistics import NormalDist

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, SECRET, policy, rule
from pydantic import ValidationError

from tasks.errors import MaskingError
from tasks.masking import MaskingKey, mask_table


def _masked(ids: list, values: pa.Array, key: MaskingKey = KEY, **setting: object) -> pa.ChunkedArray:
    table = pa.table({"id": pa.array(ids), "a": values})
    return mask_table("t", table, policy({"a": rule("noise", "sensitive", **{"per": "id", "scale": 1.0, **setting})}), key).column(
        "a"
    )


def test_golden_noise() -> None:
    """The inverse of the distribution function at the row's keyed number, by Python's hmac and statistics; never to change."""
    ids, key = ["ada", "bob"], hmac.new(SECRET, b"mask/v1/noise/t.a", "sha256").digest()
    numbers = [int.from_bytes(hmac.new(key, one.encode(), "sha256").digest()[:8], "big") for one in ids]
    uniform = [((number >> 11) + 0.5) / 2**53 for number in numbers]
    normal = [round(NormalDist().inv_cdf(u) * 2**20) / 2**20 for u in uniform]
    laplace = [round(math.copysign(math.log1p(-2 * abs(u - 0.5)), u - 0.5) * 2**20) / 2**20 for u in uniform]
    values = pa.array([0.0, 0.0])
    assert _masked(ids, values).to_pylist() == normal == NORMAL
    assert _masked(ids, values, distribution="laplace").to_pylist() == laplace == LAPLACE
    assert _masked(ids, pa.array([100, 100]), scale=50).to_pylist() == [100 + round(50 * z) for z in normal]
    assert _masked(ids, pa.array([-4.0, 8.0]), scale=0.5, relative=True).to_pylist() == [-4 + 2 * normal[0], 8 + 4 * normal[1]]


NORMAL = [-1.5217409133911133, -0.9110689163208008]
LAPLACE = [-2.055148124694824, -1.015395164489746]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.none() | st.integers(), st.none() | st.floats(-1e6, 1e6)), min_size=1, max_size=8))
def test_noise_belongs_to_the_row(rows: list) -> None:
    """Row by row or all at once, in any order; NULL stays NULL, and a row without a key loses its value."""
    rules = policy({"a": rule("noise", per="id", scale=1.0)})
    keys, values = [i and i % 2**60 for i, _ in rows], [v for _, v in rows]
    table = pa.table({"id": pa.array(keys, pa.int64()), "a": pa.array(values, pa.float64())})
    whole = mask_table("t", table, rules, KEY).column("a").to_pylist()
    single = [mask_table("t", table.slice(i, 1), rules, KEY).column("a")[0].as_py() for i in range(len(rows))]
    assert single == whole
    for (key, value), cell in zip(rows, whole, strict=True):
        assert (cell is None) == (key is None or value is None)


@pytest.mark.parametrize(("distribution", "spread"), [("normal", 1.0), ("laplace", math.sqrt(2))])
def test_noise_has_the_stated_size(distribution: str, spread: float) -> None:
    """Mean and standard deviation of 20,000 draws lie within five standard errors of the distribution's."""
    drawn = _masked(list(range(20_000)), pa.array([0.0] * 20_000), distribution=distribution).to_pylist()
    mean = sum(drawn) / len(drawn)
    assert abs(mean) < 5 * spread / math.sqrt(20_000)
    assert abs(math.sqrt(sum(d * d for d in drawn) / len(drawn)) - spread) < 0.06


def test_bounds_hold() -> None:
    """Nothing beyond low and high, of floats and integers."""
    ids = list(range(500))
    for values, setting in ((pa.array([1.0] * 500), {"low": 0.5, "high": 1.5}), (pa.array([5] * 500), {"low": 0, "high": 9})):
        cells = _masked(ids, values, scale=10, **setting).to_pylist()
        assert (min(cells), max(cells)) == (setting["low"], setting["high"])


def test_composite_keys_and_the_key_decide() -> None:
    """Each column of `per` counts, and so does the master key and the noisy column itself."""
    rules = policy({"a": rule("noise", per=["x", "y"], scale=1.0), "b": rule("noise", per=["x", "y"], scale=1.0)})
    table = pa.table({"x": [1, 1, 2, None], "y": ["u", "v", "u", "u"], "a": [0.0] * 4, "b": [0.0] * 4})
    masked = mask_table("t", table, rules, KEY)
    other = mask_table("t", table, rules, OTHER_KEY)
    assert len({cell for column in (masked["a"], masked["b"], other["a"]) for cell in column.to_pylist()[:3]}) == 9
    assert masked["a"][3].as_py() is None


def test_nan_and_infinity_stay() -> None:
    """They are no numbers to be moved."""
    cells = _masked([1, 2], pa.array([float("nan"), float("inf")])).to_pylist()
    assert math.isnan(cells[0])
    assert cells[1] == float("inf")


@pytest.mark.parametrize(
    ("ids", "values", "setting", "found"),
    [
        ([1], pa.array(["7"]), {}, "type string"),
        ([1.5], pa.array([7]), {}, "type double"),
        ([1], pa.array([2**63 - 2]), {"scale": 1e18, "relative": False}, "beyond 64 bits"),
        ([1], pa.array([7]), {"scale": 1e30}, "beyond 64 bits"),
        ([1], pa.array([7]), {"low": 0.5}, "low: 0.5"),
    ],
)
def test_what_cannot_be_moved_is_refused(ids: list, values: pa.Array, setting: dict, found: str) -> None:
    """The error names a column, and no value."""
    with pytest.raises(MaskingError, match=r"t\.") as caught:
        for key in (KEY, OTHER_KEY, MaskingKey("x", bytes(32))):  # one of them moves the number up
            _masked(ids, values, key, **setting)
    assert found in caught.value.found


@pytest.mark.parametrize("setting", [{"scale": 0}, {"per": []}, {"per": "a"}, {"low": 2, "high": 1}, {"distribution": "uniform"}])
def test_rule_that_makes_no_sense_is_refused(setting: dict) -> None:
    """Before any data is read."""
    with pytest.raises(ValidationError):
        policy({"a": rule("noise", **{"per": "id", "scale": 1.0, **setting})})


def test_column_of_only_null() -> None:
    """Stays so, as a float."""
    assert _masked([1], pa.nulls(1)).type == pa.float64()
