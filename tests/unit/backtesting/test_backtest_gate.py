"""`windtunnel gate backtest` on the toy: what was known then decides, what came later scores, and the judged part stays unread."""

import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from toy_evidence import make_params, replaced, toy_rows, write_reports, write_toy

from flows.cli.render_backtest import show_backtest
from tasks import backtest
from tasks.backtest import backtest_gate
from tasks.errors import EvidenceError, GateError
from tasks.params import Params
from tasks.paths import ProjectPaths

CRITERIA = {
    "validation": {"evidence": "validation", "critical": True},
    "ranking": {"metric": "roc_auc", "bound": 0.5, "margin": 0.1, "min_rows": 10, "critical": True},
}
LIVE = {"judged": "2020-01-27", "live": "2020-02-03"}
"""The one week of the toy that has a week before it and one after it; the latter is the part validation."""


def params(criteria=None, **changes) -> Params:
    return make_params(**({"gates": {"max_age_days": 7, "criteria": criteria or CRITERIA}} | changes))


def walked(root, rows, declared=None, unit="week", **written):
    paths = write_toy(root, rows, **written)
    write_reports(paths)
    return backtest_gate(paths, declared or params(), unit, lambda _what, _done, _whole: None)


def by_candidate(found):
    return {one.candidate: one for one in found.decisions}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return walked(tmp_path_factory.mktemp("toy"), toy_rows())


def test_the_challenger_passes_and_production_does_not_pass_against_it(found):
    """The recipe knows the strength that production's scores only guess at."""
    decided = by_candidate(found)
    assert set(decided) == {"challenger", "swapped"}
    assert {name: (one.judged, one.live) for name, one in decided.items()} == dict.fromkeys(decided, tuple(LIVE.values()))
    assert (decided["challenger"].decision, decided["challenger"].is_good) == ("promote", True)
    assert decided["swapped"].decision != "promote"
    assert decided["swapped"].judged_delta == -decided["challenger"].judged_delta


def test_the_judged_part_is_not_read(tmp_path, found):
    """Other labels there change nothing: no look was spent."""
    rows = toy_rows()
    is_judged = pc.equal(rows["part"], "test")
    turned = pc.if_else(is_judged, pc.cast(pc.subtract(pa.scalar(1, pa.int8()), rows["label"]), pa.int8()), rows["label"])
    assert walked(tmp_path, replaced(rows, "label", turned)) == found
    assert found.parts == ("train", "validation")


def test_a_claim_to_be_better_is_held_against_a_refit_of_that_day(tmp_path, monkeypatch):
    """The recipe is fitted with another seed at each step, and its noise floor decides, both ways round."""
    forest = {"estimator": "sklearn.ensemble.RandomForestClassifier", "split": "by_time", "part": "train"}
    forest["parameters"] = {"n_estimators": 5, "max_depth": 2, "random_state": 7}
    better = CRITERIA | {"ranking": {"metric": "roc_auc", "better_by": 0, "min_rows": 10, "critical": True}}
    models = {"champion": {"scores": "log.score", "version": "log.version"}, "challenger": forest}
    evaluated = []

    def seen(gates, found):
        evaluated.append(found)
        return judge_backtest(gates, found)

    judge_backtest = backtest._judge
    monkeypatch.setattr(backtest, "_judge", seen)
    found = walked(tmp_path, toy_rows(), params(better, models=models, slices=[], part="validation"), unit="day")
    assert {"challenger", "swapped", "refit", "stale"} == {one.candidate for one in found.decisions}
    measured = [one for one in evaluated if not isinstance(one, str)]
    assert measured
    assert {one.noise.of for one in measured} == {"challenger", "champion"}
    assert all(comparison.noise_floor > 0 for one in measured for comparison in one.comparisons)
    assert not any("noise floor is known" in reason for one in found.decisions for reason in one.stopped_by)


def test_a_criterion_on_drift_is_left_out_and_named(tmp_path, found):
    """Drift is not measured at each step: judged without it, no release could ever pass."""
    drift = {"drift": "psi", "most": 0.2, "min_rows": 10, "critical": True}
    again = walked(tmp_path, toy_rows(), params({**CRITERIA, "steady": drift}))
    assert (again.decisions, again.margins) == (found.decisions, found.margins)
    assert "Criteria on drift do not decide here: steady." in again.note


def test_what_came_later_scores_and_does_not_decide(tmp_path, found):
    """With the labels of the week after turned round, the decision stays, and turns out to have been a bad release."""
    rows = toy_rows()
    is_later = pc.equal(rows["part"], "validation")
    turned = pc.if_else(is_later, pc.cast(pc.subtract(pa.scalar(1, pa.int8()), rows["label"]), pa.int8()), rows["label"])
    then, now = (by_candidate(one)["challenger"] for one in (found, walked(tmp_path, replaced(rows, "label", turned))))
    assert (now.decision, now.judged_delta, now.fitted_rows) == (then.decision, then.judged_delta, then.fitted_rows)
    assert (then.is_good, now.is_good) == (True, False)


def test_only_labels_known_by_then_are_used(found):
    """A label is known a day later: the last day of a period is missing when it ends."""
    one = by_candidate(found)["challenger"]
    assert one.fitted_rows < 2 * 40
    assert one.judged_rows < 7 * 40


def test_a_refit_is_held_against_the_fit_before(tmp_path):
    """From the second step on, both ways round; every step of the days before the judged part is one."""
    found = walked(tmp_path, toy_rows(), unit="day", declared=params(slices=[], part="validation"))
    first, *later = dict.fromkeys(one.judged for one in found.decisions)
    candidates = {day: {one.candidate for one in found.decisions if one.judged == day} for day in (first, *later)}
    assert {"refit", "stale"} <= candidates[later[-1]]
    assert not {"refit", "stale"} & candidates[first]


def test_wider_margins_pass_more(found):
    """What passes within a margin passes within a wider one."""
    passed = [one.good_passed + one.bad_passed for one in found.margins]
    assert passed == sorted(passed)
    assert [one.scale for one in found.margins] == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_output_as_a_table_and_as_json(found, capsys):
    """Both hold every decision."""
    show_backtest(found, None, is_json=True)
    assert len(json.loads(capsys.readouterr().out)["decisions"]) == len(found.decisions)
    show_backtest(found, None, is_json=False)
    told = capsys.readouterr().out
    assert "as in params.yaml" in told
    assert "no look was spent" in told


def test_a_step_that_cannot_be_fitted_is_not_judged(tmp_path):
    """One class in all that was known: nothing passes, and nobody knows what would have come of it."""
    rows = toy_rows()
    alike = pc.if_else(pc.less(rows["placed_utc"], rows["placed_utc"][80]), pa.scalar(0, pa.int8()), rows["label"])
    (one,) = walked(tmp_path, replaced(rows, "label", alike)).decisions
    assert (one.decision, one.is_good) == ("not_judged", None)
    assert "label of the training rows" in one.stopped_by[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"models": {"champion": {"model": "m.skops", "sha256": "0", "view": "masked"}}}, "a stored model"),
        ({"models": {"challenger": {"score_file": "s.csv", "sha256": "0", "view": "masked"}}}, "made elsewhere"),
        ({"part": "train"}, "no part before it"),
        ({"criteria": {**CRITERIA, "ranking": CRITERIA["ranking"] | {"critical": False}}}, "no critical criterion"),
    ],
)
def test_what_has_no_past_is_refused(tmp_path, changes, told):
    """Models that may have been fitted on any day, the first part, and criteria that decide nothing."""
    declared = params(changes.get("criteria"))
    if "models" in changes:
        models = declared.models.model_dump(exclude_none=True) | changes["models"]
        declared = params(models=models)
    if "part" in changes:
        declared = params(part=changes["part"])
    with pytest.raises(GateError, match=told):
        walked(tmp_path, toy_rows(), declared)


def test_history_that_is_too_short_is_refused(tmp_path):
    """By month the toy has two periods."""
    with pytest.raises(GateError, match="2 periods"):
        walked(tmp_path, toy_rows(), unit="month")


def test_a_project_that_was_not_run_is_told_so(tmp_path):
    """There is nothing to walk through."""
    with pytest.raises(EvidenceError, match="data/features"):
        backtest_gate(ProjectPaths(tmp_path), params(), None, lambda _what, _done, _whole: None)


def test_periods_without_a_score_of_production_are_no_decisions(tmp_path):
    """Before production scored anything there was nothing to hold a challenger against."""
    rows = toy_rows()
    late = rows.filter(pc.equal(rows["part"], "test"))
    log = late.select(["order_id", "score", "version"]).append_column("scored_utc", late["placed_utc"])
    with pytest.raises(GateError, match="none of which can be judged"):
        walked(tmp_path, rows, log=log)
