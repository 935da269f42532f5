"""Curves are read whole or refused."""

import pytest

from tasks.errors import ReportError
from tasks.reporting import CalibrationBin, RocPoint, read_calibration, read_roc

_ROC = "model,false_positive_rate,true_positive_rate\n"
_BINS = "model,predicted,observed,rows\n"


def test_curves_are_read_by_model() -> None:
    """Champion before challenger, points in the file's order."""
    found = read_roc(f"{_ROC}challenger,0,0\nchallenger,1,1\nchampion,0,0.5\n", origin="roc.csv")
    assert found == {"champion": (RocPoint(0, 0.5),), "challenger": (RocPoint(0, 0), RocPoint(1, 1))}
    assert list(found) == ["champion", "challenger"]


def test_calibration_carries_its_rows() -> None:
    """A bin knows how many rows it stands for; float noise above one is one."""
    found = read_calibration(f"{_BINS}challenger,1.0000000001,0.25,12\n", origin="c.csv")
    assert found == {"challenger": (CalibrationBin(1.0, 0.25, 12),)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no column model"),
        ("model,x\n", "no column false_positive_rate"),
        (_ROC, "no line of the challenger"),
        (f"{_ROC}champion,0,0\n", "no line of the challenger"),
        (f"{_ROC}challenger,0\n", "line 2: more or fewer fields"),
        (f"{_ROC}challenger,0,0,0\n", "line 2: more or fewer fields"),
        (f"{_ROC}challenger,0,0\nother,0,0\n", "line 3: a model that is neither"),
        (f"{_ROC}challenger,zero,0\n", "line 2: false_positive_rate is no number"),
        (f"{_ROC}challenger,0,nan\n", "line 2: true_positive_rate is not between"),
        (f"{_ROC}challenger,0,1.5\n", "line 2: true_positive_rate is not between"),
        (f'{_ROC}challenger,"0\n', "line "),
    ],
)
def test_broken_roc_is_refused(text: str, named: str) -> None:
    """The error names the file and the line."""
    with pytest.raises(ReportError) as caught:
        read_roc(text, origin="data/evaluation/roc.csv")
    assert caught.value.thing == "data/evaluation/roc.csv"
    assert named in caught.value.found


def test_bins_without_a_count_are_refused() -> None:
    """Rows must be a whole number."""
    with pytest.raises(ReportError, match=r"calibration\.csv"):
        read_calibration(f"{_BINS}challenger,0.1,0.1,many\n", origin="calibration.csv")


def test_bins_of_numbers_may_lie_anywhere() -> None:
    """A regression's bins are in the label's unit; what is no finite number is refused all the same."""
    found = read_calibration(f"{_BINS}challenger,-120.5,300,12\n", origin="c.csv", is_share=False)
    assert found == {"challenger": (CalibrationBin(-120.5, 300.0, 12),)}
    with pytest.raises(ReportError, match="observed is no finite number"):
        read_calibration(f"{_BINS}challenger,1,inf,12\n", origin="c.csv", is_share=False)
