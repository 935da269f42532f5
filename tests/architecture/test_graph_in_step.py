"""dvc.yaml, the stage registry and params.yaml say the same."""

from pathlib import Path

import pytest
import yaml

from tasks.params import Params, load_params
from tasks.paths import ProjectPaths
from tasks.stages import FOUNDATION, STAGE_NAMES, StageContext, load_stage
from tasks.stages.made_with import SECTIONS, address_of

ROOT = Path(__file__).resolve().parents[2]
PARAMS: Params = load_params(ROOT / "params.yaml")
FILLED = {
    "${evaluation.split}": PARAMS.evaluation.split,
}


def _dvc_stages() -> dict[tuple[str, str | None], dict]:
    """Each stage of dvc.yaml by (registry name, variant), templates filled in."""
    found = {}
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        for value in stage.get("matrix", {}).get("name", [None]):
            text = yaml.safe_dump(stage)
            for template, filled in {**FILLED, "${item.name}": value or ""}.items():
                text = text.replace(template, filled)
            filled_stage = yaml.safe_load(text)
            words = filled_stage["cmd"].split()
            found[(words[3], words[4] if len(words) > 4 else None)] = filled_stage
            assert words[:3] == ["python", "-m", "tasks"], name
    return found


STAGES = _dvc_stages()


def _names(entries: list) -> set[str]:
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


def test_at_most_sixteen_stages() -> None:
    """A pipeline that can still be seen as a whole."""
    assert len(STAGES) <= 16


def test_registry_and_graph_name_the_same_stages() -> None:
    """Every stage and variant of the registry is in dvc.yaml, and the other way round."""
    registry = set()
    for name in STAGE_NAMES:
        variants = load_stage(name).variants
        registry |= {(name, variant) for variant in (variants(PARAMS) if variants else (None,))}
    assert registry == set(STAGES)


@pytest.mark.parametrize("key", sorted(STAGES, key=str), ids=lambda key: "-".join(filter(None, key)))
def test_stage_reads_and_writes_what_the_graph_says(key: tuple[str, str | None]) -> None:
    """Dependencies and outputs of dvc.yaml are the stage's code, the foundation, and its reads and writes."""
    name, variant = key
    stage, graph = load_stage(name), STAGES[key]
    context = StageContext(ProjectPaths(ROOT), PARAMS, variant)
    outputs = _names(graph.get("outs", [])) | _names(graph.get("metrics", [])) | _names(graph.get("plots", []))
    assert set(stage.writes(context)) == outputs
    assert set(stage.reads(context)) | set(stage.code) | set(FOUNDATION) == _names(graph["deps"])


@pytest.mark.parametrize("key", sorted(STAGES, key=str), ids=lambda key: "-".join(filter(None, key)))
def test_what_an_output_carries_of_params_is_what_the_graph_depends_on(key: tuple[str, str | None]) -> None:
    """Else a stage would be up to date for DVC, and its output refused; and no section is left out that makes it stale."""
    address, declared = address_of(*key), {str(param) for param in STAGES[key]["params"]}
    kept = {section.replace("{variant}", key[1] or "") for section in SECTIONS.get(address.partition("@")[0], ())}
    assert all(any(f"{section}.".startswith(f"{param}.") for param in declared) for section in kept)
    if key[0] not in ("gate", "report"):  # the verdict carries the hash of all
        assert all(any(f"{section}.".startswith(f"{param}.") for section in kept) for param in declared)


def test_every_output_belongs_to_one_stage() -> None:
    """No two stages write the same path, or one below another's."""
    outputs = [
        output
        for graph in STAGES.values()
        for output in sorted(_names(graph.get("outs", [])) | _names(graph.get("metrics", [])) | _names(graph.get("plots", [])))
    ]
    overlaps = [(a, b) for a in outputs for b in outputs if a is not b and (a == b or b.startswith(f"{a}/"))]
    assert overlaps == []


def test_every_section_of_params_reaches_a_stage() -> None:
    """A section that no stage depends on would change nothing when it is changed."""
    used = {str(param).split(".")[0] for graph in STAGES.values() for param in graph["params"]}
    assert set(Params.model_fields) - {"refresh"} == used


def test_raw_data_goes_to_the_restricted_remote_only() -> None:
    """Of all cached outputs only the snapshot may hold raw data; everything else is shared."""
    remotes = {
        path: options.get("remote")
        for graph in STAGES.values()
        for entry in graph.get("outs", [])
        for path, options in entry.items()
        if options.get("cache", True)
    }
    assert {path for path, remote in remotes.items() if remote == "restricted"} == {"data/snapshots"}
    assert set(remotes.values()) == {"restricted", "shared"}
