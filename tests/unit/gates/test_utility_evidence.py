"""The utility certificate as evidence: what it says of other data, and what it takes back where it fails."""

from typing import Any

import pytest
from evidence_records import evaluation, report
from utility_reports import utility_report

from tasks.gates import SUBJECTS, Provenance, judge
from tasks.params.judging import GatesParams
from tasks.records import Evaluation, UtilityReport, Verdict

EVALUATION = evaluation()
MADE_OF = ("snapshots", "masked", "features", f"splits/{EVALUATION.split}")
INPUTS = {name: EVALUATION.inputs[name] for name in MADE_OF}
METRIC = EVALUATION.comparisons[0].metric
ASKED = {"survives": {"evidence": "utility", "critical": True}}


QUALITY = {"metric": METRIC, "method": "cluster_bootstrap", "min_rows": 1, "critical": True}


def _judge(found: UtilityReport | None, criteria: dict[str, Any], *, judged: Evaluation = EVALUATION) -> Verdict:
    gates = {"validation": {"evidence": "validation", "critical": True}, **criteria}
    reports = {subject: report(subject) for subject in SUBJECTS}
    provenance = Provenance(split=judged.split, part=judged.part, params_hash="p", inputs={}, seeds={})
    params = GatesParams.model_validate({"max_age_days": 7, "criteria": gates})
    return judge(judged, reports, params, provenance, utility=found)


def _status(verdict: Verdict, name: str = "survives") -> tuple[str, str]:
    (found,) = [criterion for criterion in verdict.criteria if criterion.name == name]
    return found.status, found.reason


def test_a_certificate_that_holds_passes() -> None:
    """Of the data that was evaluated."""
    verdict = _judge(utility_report(INPUTS), ASKED)
    assert (verdict.decision, _status(verdict)[0]) == ("promote", "pass")


@pytest.mark.parametrize("outcome", ["fails", "cannot_tell"])
def test_one_that_does_not_hold_is_not_judged(outcome: str) -> None:
    """Never a failure of the model; the reason is the certificate's own."""
    verdict = _judge(utility_report(INPUTS, outcome), ASKED)
    status, reason = _status(verdict)
    assert (verdict.decision, status) == ("not_judged", "not_judged")
    assert "at least 0.8 wanted" in reason


def test_without_a_certificate_nothing_is_judged() -> None:
    """Where one is asked for."""
    assert _status(_judge(None, ASKED)) == ("not_judged", "there is no utility certificate")


@pytest.mark.parametrize("name", MADE_OF)
def test_a_certificate_of_other_data_is_not_judged(name: str) -> None:
    """Each dataset that it rests on counts, also where it does not name one."""
    for inputs in (INPUTS | {name: "other"}, {key: value for key, value in INPUTS.items() if key != name}):
        status, reason = _status(_judge(utility_report(inputs), ASKED))
        assert status == "not_judged"
        assert reason == f"the utility certificate is of other data than was evaluated ({name})"


def test_a_certificate_that_only_says_so_is_not_believed() -> None:
    """It holds, with figures below its bounds, or with none at all."""
    below = utility_report(INPUTS, "fails").model_copy(update={"outcome": "holds"})
    for found in (below, utility_report(INPUTS, bounds={})):
        assert _status(_judge(found, ASKED)) == (
            "not_judged",
            "the utility certificate says that it holds, and its own figures do not",
        )


def test_a_failed_certificate_takes_back_every_figure_of_masked_rows() -> None:
    """Asked for or not: a model is neither promoted nor rejected on a ranking that masking turned round."""
    for bound, without in ((0.0, "promote"), (0.999, "reject")):
        criteria = {"quality": {**QUALITY, "bound": bound}}
        assert _judge(None, criteria).decision == without
        verdict = _judge(utility_report(INPUTS, "fails"), criteria)
        status, reason = _status(verdict, "quality")
        assert (verdict.decision, status) == ("not_judged", "not_judged")
        assert reason.startswith("void: the ranking of models does not survive masking (rank correlation 0.10")


def test_one_that_cannot_tell_takes_nothing_back() -> None:
    """Whoever needs it asks for it as a criterion."""
    criteria = {"quality": {**QUALITY, "bound": 0.0}}
    assert _judge(utility_report(INPUTS, "cannot_tell"), criteria).decision == "promote"


def test_scores_of_raw_rows_are_not_touched() -> None:
    """Masking is not in question where none was judged on."""
    challenger = EVALUATION.challenger.model_copy(update={"view": "raw", "basis": "score_file"})
    judged = EVALUATION.model_copy(update={"challenger": challenger})
    criteria = {"quality": {**QUALITY, "bound": 0.0}}
    assert _judge(utility_report(INPUTS, "fails"), criteria, judged=judged).decision == "promote"
