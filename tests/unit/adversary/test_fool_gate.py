"""`windtunnel gate fool`: a bad model tries every way in, and what shuts each is the product's own code."""

import json
import shutil
from dataclasses import replace

import pyarrow as pa
import pytest
from signed_project import ADA, BOB, add_version, line, make_keys, sign_version
from toy_evidence import make_params, toy_rows, train_toy, write_reports, write_toy

from flows.cli.render_fool import show_fool
from tasks.errors import ExitCode, GateError
from tasks.fooling import fool_gate, open_bench
from tasks.fooling_doors import shut_door
from tasks.gates.levels import judge_levels
from tasks.params.judging import RequiredEvidence
from tasks.paths import ProjectPaths
from tasks.records import Evaluation
from tasks.stages import StageContext, load_stage

RANKING = {"metric": "roc_auc", "margin": 0.1, "min_rows": 10, "critical": True}
BRIER = {"metric": "brier", "margin": 0.03, "min_rows": 10, "critical": True}
VALIDATION = {"evidence": "validation", "critical": True}


def params(require=None, **criteria):
    found = {"validation": VALIDATION, **(criteria or {"ranking": RANKING, "sharp": BRIER})}
    return make_params(gates={"max_age_days": 7, "looks": {"budget": 3}, "criteria": found, "require": require or {}})


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    paths = write_toy(tmp_path_factory.mktemp("toy"), toy_rows())
    train_toy(paths, params())
    write_reports(paths)
    load_stage("evaluate").run(StageContext(paths, params()))
    return paths


def fool(project, declared):
    return fool_gate(project, declared, lambda _what, _done, _whole: None)


@pytest.fixture(scope="module")
def report(project):
    """What the adversary found, and that not a file appeared or changed, the event log included."""
    before = {file: file.stat().st_mtime_ns for file in project.root.rglob("*") if file.is_file()}
    found = fool(project, params())
    assert {file: file.stat().st_mtime_ns for file in project.root.rglob("*") if file.is_file()} == before
    return found


@pytest.fixture(scope="module")
def found(report):
    return {cheat.name: cheat for cheat in report.cheats}


@pytest.fixture(scope="module")
def ranking_alone(project):
    """The same under a ranking alone, where only what was made here counts."""
    declared = params({"challenger": "refitted_here", "champion": "logged_scores"}, ranking=RANKING)
    return {cheat.name: cheat for cheat in fool(project, declared).cheats}


def test_scores_from_elsewhere_that_know_labels_get_through(found):
    """No figure can tell: the one way in that only a policy shuts."""
    leak = found["label leak, from elsewhere"]
    assert leak.got_through
    assert {tried.door: tried.stopped_by for tried in leak.doors} == {"score_file": "", "stored_model": ""}


def test_required_evidence_shuts_that_way_in(ranking_alone):
    """`gates.require.challenger: refitted_here` refuses what was not fitted here, and says so."""
    leak = ranking_alone["label leak, from elsewhere"]
    assert not leak.got_through
    assert all("gates.require.challenger asks for refitted_here" in tried.stopped_by for tried in leak.doors)


def test_rows_that_are_left_out_or_doubled_are_refused(found):
    """The criteria pass them; the reader of score files and verification do not."""
    for name in ("dropped hard rows", "duplicate rows, the best ones"):
        told = {tried.door: tried.stopped_by for tried in found[name].doors}
        assert not found[name].got_through
        assert "rows missing" in told["score_file"]
        assert told["predictions"].startswith("windtunnel verify: other rows")


def test_a_feature_that_is_the_label_is_refused_by_validation(found):
    """Its scores would pass every criterion."""
    (tried,) = found["label leak, by a feature"].doors
    assert "target_leakage" in tried.stopped_by


def test_a_shift_is_seen_by_a_criterion_on_calibration_and_by_no_ranking(found, ranking_alone):
    """What the criteria ask is what they notice."""
    assert ranking_alone["score shift"].cheapest == 4
    assert ranking_alone["score shift"].got_through
    assert found["score shift"].cheapest != 4


def test_the_exit_code_says_whether_anything_got_through(report, capsys):
    """1 where something did, and JSON names it; 0 where nothing did."""
    assert show_fool(report, None, is_json=True) == ExitCode.REJECT
    assert "label leak, from elsewhere" in json.loads(capsys.readouterr().out)["got_through"]
    stopped = report.model_copy(update={"cheats": tuple(cheat for cheat in report.cheats if not cheat.got_through)})
    assert show_fool(stopped, None, is_json=False) == ExitCode.PROMOTE
    assert "no look was spent" in capsys.readouterr().out


def test_without_a_critical_figure_nothing_can_be_tried(project):
    """Everything would get through, and that is said."""
    with pytest.raises(GateError, match="no critical criterion on a metric"):
        fool(project, params(ranking=RANKING | {"critical": False}))


def test_a_criterion_that_nothing_lies_beyond_is_told(project):
    """A margin wider than what the champion knows."""
    with pytest.raises(GateError, match="worthless scores"):
        fool(project, params(ranking=RANKING | {"margin": 0.9}))


def test_a_search_and_the_noise_are_of_the_attempt(tmp_path):
    """Scores turned round are searched anew, not by the honest challenger's record; the noise floor stays what was measured."""
    found = {"searched": {"discovered": "brier", "critical": True}, "sharp": BRIER | {"margin": 0.5}}
    asked = {"columns": ["shop"], "metric": "brier", "min_rows": 20, "pairs": False}
    gates = {"max_age_days": 7, "criteria": {"validation": VALIDATION, **found}}
    declared = make_params(gates=gates, discover=asked)
    paths = write_toy(tmp_path, toy_rows())
    train_toy(paths, declared)
    write_reports(paths)
    load_stage("evaluate").run(StageContext(paths, declared))
    bench, good = open_bench(paths, declared)
    assert bench.measure(good).discovery.searched == bench.evaluation.discovery.searched > 0
    column = good.challenger[0][0]
    turned = pa.array(1.0 - good.rows.column(column).to_numpy())
    worse = replace(good, rows=good.rows.set_column(good.rows.column_names.index(column), column, turned))
    assert {o.name: o.status for o in bench.judge(good)}["searched"] == "pass"
    assert {o.name: o.status for o in bench.judge(worse)}["searched"] == "fail"
    floors = {(c.metric, c.slice_value): c.noise_floor for c in bench.evaluation.comparisons}
    measured = bench.measure(worse).comparisons
    assert [c.noise_floor for c in measured] == [floors[c.metric, c.slice_value] for c in measured]
    assert None not in floors.values()


def test_other_predictions_than_were_evaluated_are_refused(project, tmp_path):
    """What was measured is not what is there."""
    shutil.copytree(project.root, tmp_path / "copy")
    paths = ProjectPaths(tmp_path / "copy")
    shutil.rmtree(paths.predictions)
    with pytest.raises(GateError, match="no predictions"):
        fool(paths, params())


def test_another_seed_is_another_draw_and_no_look(project, found):
    """Each attempt moves the ends of intervals and no figure; a model beyond its limit is not passed by any."""
    bench, good = open_bench(project, params())
    first, again, other = (bench.measure(good, seed=seed).comparisons for seed in (None, 1, 2))
    assert first == again
    assert [(c.metric, c.challenger) for c in other] == [(c.metric, c.challenger) for c in first]
    assert [c.delta_interval for c in other] != [c.delta_interval for c in first]
    seeds = found["choice of seed"]
    assert (len(seeds.tried), seeds.got_through, seeds.doors) == (20, False, ())
    assert seeds.criteria


@pytest.fixture(scope="module")
def signed(project, tmp_path_factory):
    """The same project, whose policy two people may sign, and one has."""
    root = tmp_path_factory.mktemp("signed") / "toy"
    shutil.copytree(project.root, root)
    paths = ProjectPaths(root)
    keys = make_keys(tmp_path_factory.mktemp("keys"))
    paths.policies.mkdir(exist_ok=True)
    signers = "".join(line(keys, name) for name in (ADA, BOB))
    sign_version(paths.policies, add_version(paths.policies, params(), signers, ADA), ADA, keys[ADA])
    return paths


@pytest.mark.parametrize("door", ["params_split", "params_seed"])
def test_a_signed_policy_shuts_the_doors_of_params(project, signed, door):
    """Split and seed are part of what was signed; where nobody has signed, anybody may choose them."""
    bench, good = open_bench(signed, params())
    assert shut_door(bench, door, good).startswith("the signed policy: masking policy or criteria were changed after version 1")
    unsigned, good = open_bench(project, params())
    assert shut_door(unsigned, door, good) == ""


def test_a_policy_that_was_not_signed_as_it_is_shuts_nothing(signed):
    """Its verdicts are rehearsals whatever the split: to call that a shut door would be one door too many."""
    bench, good = open_bench(signed, params(ranking=RANKING, sharp=BRIER | {"margin": 0.04}))
    assert shut_door(bench, "params_seed", good) == ""


def test_a_signed_policy_does_not_shut_the_champion_out(signed):
    """Which champion is named is no part of it: `gates.require.champion` is, and shuts it."""
    bench, good = open_bench(signed, params())
    assert shut_door(bench, "params_champion", good) == ""
    required, good = open_bench(signed, params({"champion": "logged_scores"}))
    assert "gates.require.champion" in shut_door(required, "params_champion", good)


def test_a_champion_that_production_did_not_log_may_be_refused(project):
    """An older recipe, or none at all, is no champion where the policy asks for logged scores."""
    evaluation = Evaluation.from_json(project.evaluation_report.read_bytes(), origin="test")
    required = RequiredEvidence(champion="logged_scores")
    assert judge_levels(evaluation, required) == ()
    older = evaluation.champion.model_copy(update={"basis": "recipe"})
    for champion in (older, None):
        (outcome,) = judge_levels(evaluation.model_copy(update={"champion": champion}), required)
        assert (outcome.status, outcome.is_critical) == ("not_judged", True)
        assert "gates.require.champion" in outcome.reason
