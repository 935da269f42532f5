"""A candidate as it is named on the command line, laid down and pinned in the worktree's parameters."""

from pathlib import Path

import pytest
import yaml

from flows.evaluate_candidate import name_candidate, use_candidate
from flows.worktrees import Worktree
from tasks.datasets import hash_file
from tasks.errors import ModelError
from tasks.params import load_params
from tasks.paths import ProjectPaths

ROOT = Path(__file__).resolve().parents[2]
FITTED = {"split": "by_time", "part": "train"}


@pytest.fixture
def tree(tmp_path: Path) -> Worktree:
    """A main checkout and a worktree of it, both with the demo's parameters."""
    main, work = ProjectPaths(tmp_path / "main"), ProjectPaths(tmp_path / "main/.windtunnel/worktrees/w")
    for paths in (main, work):
        paths.root.mkdir(parents=True)
        paths.params.write_text((ROOT / "params.yaml").read_text())
    return Worktree(work, main, "c")


def given(tree: Worktree, name: str) -> str:
    path = tree.main.root / name
    path.write_text(f"content of {name}")
    return str(path)


def section(tree: Worktree) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(tree.paths.params.read_text())["models"]["challenger"]
    return found


def test_code_is_copied_into_the_worktree_and_committed(tree: Worktree) -> None:
    """It is fitted on what the declared challenger is fitted on."""
    assert use_candidate(tree, given(tree, "mine.py"), None) == ("challengers/mine.py",)
    file = tree.paths.root / "challengers/mine.py"
    assert section(tree) == {"file": "challengers/mine.py", "sha256": hash_file(file), **FITTED}


@pytest.mark.parametrize(("name", "key"), [("mine.skops", "model"), ("mine.parquet", "score_file"), ("mine.csv", "score_file")])
def test_models_and_scores_are_kept_beside_git_under_their_hash(tree: Worktree, name: str, key: str) -> None:
    """A later run finds them in the main checkout, whose path is the same relative to it."""
    assert use_candidate(tree, given(tree, name), "by_aircraft", "raw") == ()
    sha256 = hash_file(tree.main.root / name)
    assert section(tree) == {key: f".windtunnel/challengers/{sha256[:12]}/{name}", "sha256": sha256, "view": "raw"}
    assert hash_file(tree.main.root / str(section(tree)[key])) == sha256
    assert load_params(tree.paths.params).evaluation.split == "by_aircraft"


def test_another_split_is_what_a_recipe_is_fitted_on_too(tree: Worktree) -> None:
    """Fitted and judged on parts of one split."""
    use_candidate(tree, None, "by_aircraft")
    params = load_params(tree.paths.params)
    assert (params.evaluation.split, params.models.challenger.split) == ("by_aircraft", "by_aircraft")


def test_a_candidate_is_named_by_its_file_and_hash(tree: Worktree) -> None:
    """No two files share a branch; a model in a registry is named by its URI."""
    names = [name_candidate(given(tree, name)) for name in ("a b.py", "b.csv")]
    assert names[0].startswith("candidates/a-b-")
    assert len({*names, name_candidate("models:/late/3"), name_candidate("models:/late/4"), name_candidate(None)}) == 5


@pytest.mark.parametrize("name", ["nothing.py", "mine.pkl", "mine"])
def test_what_is_no_challenger_is_refused(tree: Worktree, name: str) -> None:
    """A pickle among them: it runs code when it is loaded."""
    path = given(tree, name) if name != "nothing.py" else str(tree.main.root / name)
    with pytest.raises(ModelError, match="challenger") as caught:
        name_candidate(path)
    assert ".skops" in caught.value.expected
