"""Which parameters each stage reads, and whether what lies here was made with those that params.yaml holds.

What belongs here: the sections by stage, their hashes, and the names under which datasets, models and reports carry these. What
does not: whether data is the same (manifests), and when a stage runs anew (``dvc.yaml``; a test holds the sections to be of it).

Each output carries the hash of its own stage's parameters and those of every dataset that it was made from: between two stages
params.yaml may be edited, and each of them alone notices nothing.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tasks.datasets import hash_mapping
from tasks.errors import StageError
from tasks.params import Params, stated

PREFIX = "params/"
"""Begins the name under which an output carries the hash of a stage's parameters, as ``params/split@by_time``."""

REORDERED = "where features only changed places, which DVC does not see: dvc repro --force --downstream features"
"""What to do where nothing but the order of features was changed."""

_POLICY = tuple(f"masking.{name}" for name in ("key", "domains", "tables", "limits", "engine", "spark"))
"""The masking policy without its words, and without what is asked of the utility certificate alone."""
_HOW_MASKED = ("engine", "spark")
"""By what masking is computed, which changes no byte of it: a stage runs anew, and what was made before is no other."""
_VARIANT = "{variant}"

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "snapshot": ("schema_version", "snapshot"),
    "validate_raw": ("schema_version", "snapshot.tables", *_POLICY),
    "mask": ("schema_version", "snapshot.lake", "snapshot.tables", *_POLICY),
    "validate_masked": ("schema_version", "snapshot.tables", *_POLICY),
    "split": (
        *("schema_version", "seed", "snapshot.lake", "snapshot.tables", f"splits.{_VARIANT}", "features.rows"),
        *("masking.key", "masking.domains", "masking.tables"),
    ),
    "validate_splits": ("schema_version", "snapshot.tables", "splits", "features.rows", *_POLICY),
    "features": ("schema_version", "snapshot.tables", "features", "label"),
    "validate_features": ("schema_version", "features", "label", *_POLICY),
    "disclosure": ("schema_version", "seed", "snapshot.tables", "features", "label", *_POLICY),
    "utility": (
        *("schema_version", "seed", "snapshot.lake", "snapshot.tables", "masking", "label", "features", "models"),
        *("evaluation", "gates"),
    ),
    "train": ("schema_version", "seed", "models", "label", "features", "evaluation.split", "evaluation.part"),
    "evaluate": ("schema_version", "seed", "snapshot.tables", "models", "label", "features", "evaluation"),
    "validate_predictions": ("schema_version", "label", *_POLICY),
}
"""By stage of ``dvc.yaml`` what of params.yaml its output rests on; the gate's own is all of it, in a verdict's params_hash."""


def address_of(stage: str, variant: str | None) -> str:
    """What ``dvc.yaml`` calls a stage that runs as ``python -m tasks <stage> [variant]``."""
    if variant is None:
        return stage
    return f"{stage}_{variant}" if stage == "validate" else f"{stage}@{variant}"


def hash_sections(params: Params, address: str) -> str | None:
    """The hash of the parameters that the stage ``address`` reads; None for a stage of which nothing is kept."""
    stage, _, variant = address.partition("@")
    if stage not in SECTIONS:
        return None
    said = stated(params)
    values = {**said["values"], "masking": {k: v for k, v in said["values"].get("masking", {}).items() if k not in _HOW_MASKED}}
    found = {path: _at(values, path) for path in (section.replace(_VARIANT, variant) for section in SECTIONS[stage])}
    return hash_mapping({"edition": said["edition"], **found})


def _at(content: Mapping[str, Any], path: str) -> Any:
    found: Any = content
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def made_with(params: Params, address: str, *upstream: Mapping[str, str]) -> dict[str, str]:
    """What an output of the stage ``address`` carries: its parameters' hash, and those that ``upstream`` (its inputs) carry."""
    own = hash_sections(params, address)
    return inherited(*upstream) | ({} if own is None else {PREFIX + address: own})


def inherited(*upstream: Mapping[str, str]) -> dict[str, str]:
    """The hashes of parameters among what manifests, cards and reports say of where they come from."""
    return {name: value for found in upstream for name, value in found.items() if name.startswith(PREFIX)}


def needed_before(split: str) -> tuple[str, ...]:
    """The stages whose parameters an evaluation on ``split`` must name: all that its rows and models went through."""
    return ("snapshot", "mask", f"split@{split}", "features", "train", "evaluate")


def find_others(params: Params, named: Mapping[str, str], needed: Collection[str] = ()) -> tuple[str, ...]:
    """The stages of ``named`` whose parameters were others than ``params``, and the ``needed`` ones that it does not name."""
    addresses = {name.removeprefix(PREFIX) for name in inherited(named)} | set(needed)
    return tuple(a for a in sorted(addresses) if named.get(PREFIX + a) is None or named[PREFIX + a] != hash_sections(params, a))


def require_inputs_made_with(params: Params, address: str, files: Mapping[str, Path]) -> None:
    """Refuse to run the stage ``address`` on ``files`` (as it calls them) that were made with other parameters than ``params``.

    Raises :class:`~tasks.errors.StageError` naming the first file and the stages. What says nothing of them is let pass: it is
    refused where a verdict would rest on it.
    """
    for name, path in files.items():
        others = find_others(params, told_by(path))
        if others:
            raise StageError(
                f"stage {address}: {name}",
                found=f"made with other parameters than params.yaml holds now ({', '.join(others)})",
                expected="inputs and result of one params.yaml: it was changed since they were made",
                next_step=f"dvc repro {address}; {REORDERED}",
            )


def told_by(path: Path) -> dict[str, str]:
    """What a manifest, a report, or the cards in a folder of models say of the parameters that made them."""
    found: dict[str, str] = {}
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        try:
            content = json.loads(file.read_bytes())
        except ValueError:  # the stage itself says what is wrong with it
            continue
        for part in ("about", "inputs", "made_with"):
            told = content.get(part) if isinstance(content, dict) else None
            found |= inherited(told) if isinstance(told, dict) else {}
    return found
