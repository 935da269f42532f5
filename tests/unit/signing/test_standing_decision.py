"""What stands after a later look is what everyone acts upon, whatever the verdict says of a first one."""

import importlib.util
import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from signed_project import ROBOT, judge_project, make_project

from flows.approval import require_actionable
from flows.cli.root import windtunnel
from flows.looks_left import find_looks_left
from flows.promote_model import told_of
from flows.verdict_checks import check_stored
from flows.verdict_store import find_verdict
from tasks.errors import GateError
from tasks.ledger import Draft, append_event
from tasks.records import LaterLooks, LaterOutcome, LookTaken, Receipt
from tasks.registry import describe_run
from tasks.signing import decision_record

NOW = datetime.now(timezone.utc)
UNDECIDED = LaterOutcome(name="ranking", status="inconclusive", reason="too wide", rows_to_decide=20_000, days_to_decide=None)
LATER = LaterLooks(budget=30, confidence=0.9991, decision="inconclusive", reason="INCONCLUSIVE: too wide", outcomes=(UNDECIDED,))
TURNED = "Look 4 of 30 at this holdout, judged at 99.91 %: inconclusive (promote at a first look); about 20,000 rows would decide"
EXAMPLE = Path(__file__).parents[3] / "examples/verify_decision.py"


def look(number):
    return LookTaken(candidate="c" * 64, holdout="d" * 64, number=number, budget=30, left=30 - number, event="e" * 64)


@pytest.fixture
def paths(keys, tmp_path, monkeypatch):
    paths = make_project(tmp_path / "project", keys)
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(paths.root)
    return paths


@pytest.fixture
def judge(paths, keys, monkeypatch):
    """A signed verdict that promotes at a first look and not at a later one, of the look with this number."""

    def judged(number, **changes):
        later = {"later_looks": LATER} | changes
        return judge_project(paths, key=keys[ROBOT], monkeypatch=monkeypatch, now=NOW, look=look(number), **later)

    return judged


def offline(paths):
    spec = importlib.util.spec_from_file_location("verify_decision", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main(["v.dsse", "data/verdict.json", str(paths.policies / "allowed_signers")])


def test_a_first_look_promotes(paths, judge):
    """By the gate, by the record, and by everything that promotion asks."""
    stored = judge(1)
    assert check_stored(stored, NOW) == "promote"
    require_actionable(paths.root, stored, NOW)
    done = CliRunner().invoke(windtunnel, ["gate", "--check", "--dsse", "v.dsse"], standalone_mode=False)
    assert (done.return_value, offline(paths)) == (0, 0)


def test_a_later_look_that_does_not_show_it_promotes_nothing(paths, judge):
    """The gate answers 3, nobody can approve it, and both say why; the record that others read says so too."""
    stored = judge(4)
    assert check_stored(stored, NOW) == "inconclusive"
    with pytest.raises(GateError) as refused:
        require_actionable(paths.root, stored, NOW)
    assert refused.value.found.startswith(TURNED)
    asked = ["gate", "--check", "--dsse", "v.dsse", "--junit", "v.xml", "--md", "v.md"]
    done = CliRunner().invoke(windtunnel, asked, standalone_mode=False)
    assert done.return_value == 3
    assert TURNED in done.output
    assert offline(paths) == 1
    assert json.loads(decision_record(stored.content, stored.receipt))["predicate"]["standingDecision"] == "inconclusive"
    assert '<property name="decision" value="inconclusive" />' in Path("v.xml").read_text()
    assert Path("v.md").read_text().startswith(f"## Inconclusive: {TURNED}")


def test_a_verdict_of_before_asks_to_be_judged_again(paths, judge):
    """Nobody knows what it comes to at a later look."""
    with pytest.raises(GateError, match="windtunnel run judges again"):
        require_actionable(paths.root, judge(2, later_looks=None), NOW)


def test_json_names_look_and_what_stands(paths, judge):
    """Beside the verdict as it is."""
    stored = judge(4)
    found = json.loads(CliRunner().invoke(windtunnel, ["gate", "--json"], standalone_mode=False).stdout)
    assert (found["decision"], found["standing_decision"]) == ("promote", "inconclusive")
    assert (found["look"]["number"], found["look"]["left"]) == (4, 26)
    assert json.loads(stored.content).items() <= found.items()


def test_mlflow_shows_looks_rehearsal_and_what_stands(judge):
    """As tags of the run, whose name begins with the decision that stands."""
    stored = judge(4)
    facts = describe_run(stored.verdict, "f" * 64, None, stored.receipt, "here")
    shown = ("decision", "decision_at_first_look", "rehearsal", "look", "looks_left")
    assert [facts.tags[f"windtunnel.{name}"] for name in shown] == ["inconclusive", "promote", "false", "4 of 30", "26"]
    assert facts.name.startswith("inconclusive ")


def test_an_approver_is_told_of_a_rubber_stamp(paths, judge):
    """And how many looks are left: in the form, and beside what is signed on the command line."""
    judge(1, rubber_stamp=True)
    told = told_of.fn(str(paths.root), "data/verdict.json")
    assert "Rubber stamp" in told
    assert "29 of 30 left" in told


def test_looks_left_are_those_of_the_last_verdicts_holdout(paths, judge):
    """None before a run; then the budget less the candidates that the log names, whatever other holdouts cost."""
    assert find_looks_left(paths) is None
    judge(1)
    for candidate, holdout in (("c", "d"), ("e", "d"), ("e", "f")):
        draft = Draft("look", {"candidate": candidate * 64, "holdout": holdout * 64})
        append_event(paths.events, lambda _chain, draft=draft: draft, actor="a", clock=lambda: datetime.now(timezone.utc))
    left = find_looks_left(paths)
    assert (left.left, left.budget) == (28, 30)


def test_the_number_of_a_look_stays_the_receipts(paths, judge):
    """What landed from elsewhere changes how many are left, never what was signed."""
    stored = judge(4)
    receipt = Receipt.from_json(stored.receipt.to_json(), origin="receipt")
    assert find_verdict(paths.root, "data/verdict.json").look == receipt.look
