"""The way of a newcomer, by the commands that the documents name: from `windtunnel init` to a champion, the next one, and back."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import own_lakes
import pyarrow as pa
import pytest
from signed_project import line, make_keys
from small_project import ROOT, call

from flows.params_edit import edit_params

pytestmark = [pytest.mark.slow, pytest.mark.whole]
ANN, BEA = "ann@example.com", "bea@example.com"
ROWS = 6000


def _subscribers() -> pa.Table:
    """Who left and what production thought of it, which is little; two columns tell a lot."""
    rng = np.random.default_rng(3)
    calls, months = rng.poisson(2.0, ROWS), rng.integers(1, 60, ROWS)
    has_left = rng.random(ROWS) < 1 / (1 + np.exp(2.0 - 3.0 * calls + 0.2 * months))
    seen = np.datetime64("2025-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    return pa.table(
        {
            "subscriber_id": [f"S{number:05d}" for number in range(ROWS)],
            "calls": calls,
            "months": months,
            "seen_at": seen,
            "score": np.clip(has_left.mean() + rng.normal(0, 0.02, ROWS), 0.01, 0.99),
            "has_left": has_left.astype(int),
        }
    )


class Newcomer:
    """A person at a shell in a project of her own."""

    def __init__(self, root: Path, home: Path, keys: dict[str, Path]) -> None:
        self.root, self.home, self.keys = root, home, keys

    def says(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """What a command answers, with Ann's key in the environment."""
        return call(self.root, *words, code=code, HOME=str(self.home), WINDTUNNEL_SIGNING_KEY=str(self.keys[ANN]))

    def judged(self) -> None:
        """A verdict that promotes, and Bea's approval of it."""
        assert "PROMOTE" in self.says("windtunnel", "run").stdout
        self.says("windtunnel", "gate", "--check")
        self.says("windtunnel", "approve", "--key", str(self.keys[BEA]), "--reason", "agreed")

    def champion(self) -> str:
        """The version that is champion, where registry and log agree."""
        found = json.loads(self.says("windtunnel", "champion", "--json").stdout)
        assert found["registry"]["status"] == "holds"
        return str(found["champion"]["version"])


@pytest.fixture
def ann(tmp_path: Path) -> Newcomer:
    """Her project with a policy that she signed, as docs/your-own-data.md has it; nothing was judged yet."""
    (tmp_path / "home").mkdir()
    keys = make_keys(tmp_path, names=(ANN, BEA))
    lake = own_lakes.write_lake(tmp_path / "lake", subscribers=_subscribers())
    call(tmp_path, "windtunnel", "init", "--into", "own", "--lake", str(lake), "--label", "has_left", HOME=str(tmp_path / "home"))
    newcomer = Newcomer(tmp_path / "own", tmp_path / "home", keys)
    (newcomer.root / "policies/allowed_signers").write_text(line(keys, ANN) + line(keys, BEA))
    newcomer.says("windtunnel", "policy", "sign", "--reason", "first policy")
    newcomer.says("git", "add", "policies")
    newcomer.says("git", "-c", "user.name=Ann", "-c", f"user.email={ANN}", "commit", "-q", "-m", "signed")
    return newcomer


def test_from_init_to_a_champion_and_back(ann: Newcomer) -> None:
    """Two promotions and the way back; who judged is refused as the one who approves, and every level of verification holds."""
    ann.judged()
    assert "nobody approves what he judged" in ann.says("windtunnel", "approve", "--reason", "mine", code=2).stderr
    again = ann.says("windtunnel", "verify", "--level", "rerun").stdout
    assert "the verdict is the same byte for byte" in again
    files = (".windtunnel/results/here/verdict.dsse", "data/verdict.json", "policies/allowed_signers")
    said = ann.says(sys.executable, str(ROOT / "examples/verify_decision.py"), *files).stdout
    assert said.startswith(f"promote, signed by {ANN}")
    ann.says("windtunnel", "promote")
    assert ann.champion() == "1"
    edit_params(ann.root / "params.yaml", {"models.challenger.parameters": {"max_iter": 40, "learning_rate": 0.1}})
    assert "other parameters" in ann.says("windtunnel", "gate", "--check", code=2).stderr
    ann.judged()
    ann.says("windtunnel", "promote")
    assert ann.champion() == "2"
    assert "a drill: nothing was changed" in ann.says("windtunnel", "rollback", "--drill").stdout
    assert ann.champion() == "2"
    ann.says("windtunnel", "rollback", "--reason", "second thoughts")
    assert ann.champion() == "1"
    assert "rolled back" in ann.says("windtunnel", "promote", code=2).stderr
    moves = [event["kind"] for event in json.loads(ann.says("windtunnel", "log", "--json").stdout)]
    assert {"change", "look", "approval", "promotion", "rollback"} >= set(moves) > {"change", "look", "approval", "promotion"}
