"""A user's dvc.yaml: the repository's graph, with the package in the place of its code."""

from pathlib import Path

import yaml

from tasks.projects.graph import project_graph

ROOT = Path(__file__).resolve().parents[3]
OURS = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
THEIRS = yaml.safe_load(project_graph(["by_time", "by_row"]))["stages"]


def test_the_same_stages_in_the_same_order() -> None:
    """None is added or lost."""
    assert list(THEIRS) == list(OURS)


def test_every_stage_is_run_by_the_package() -> None:
    """`python -m tasks` would import a module of theirs."""
    assert all(stage["cmd"].startswith("windtunnel stage ") for stage in THEIRS.values())


def test_one_file_stands_for_the_code() -> None:
    """Each stage depends on the version lock, none on our files."""
    for stage in THEIRS.values():
        assert "windtunnel.lock" in stage["deps"]
        assert not [path for path in stage["deps"] if path.startswith("tasks/") or path == "requirements.lock"]


def test_splits_are_those_of_the_project() -> None:
    """In the matrix, and where every split is read."""
    assert THEIRS["split"]["matrix"] == {"name": ["by_time", "by_row"]}
    splits = [path for path in THEIRS["validate_splits"]["deps"] if path.startswith("data/splits/")]
    assert splits == ["data/splits/by_time/manifest.json", "data/splits/by_row/manifest.json"]
    assert "data/splits/${evaluation.split}/manifest.json" in THEIRS["evaluate"]["deps"]


def test_outputs_and_parameters_stay() -> None:
    """What a stage writes, where it is pushed and what it depends on in params.yaml are the repository's."""
    for name, stage in THEIRS.items():
        for part in ("params", "outs", "metrics", "plots"):
            assert stage.get(part) == OURS[name].get(part), name
