"""Custody: what defines a split, and that it never changes under the split's name.

What belongs here: a split's definition, its hash, and holding a new one against the stored one. What does not: computing the
split. Every figure that was ever measured on a split rests on its definition, so another definition needs another name.
"""

from collections.abc import Mapping
from pathlib import Path

from tasks.datasets import hash_mapping
from tasks.errors import DatasetError, SplitError
from tasks.params.splits import KFoldSplit, SplitParams, StratifiedSplit, TimeSplit
from tasks.records import SplitMetadata
from tasks.splits.draws import METHOD, derived_seed
from tasks.splits.strategies import PARTS

_SEED = "seed"


def definition_of(name: str, split: SplitParams, seed: int, *, known: str = "") -> dict[str, str]:
    """What decides the part of every row, as canonical text; ``seed`` is the root seed, the derived one is recorded.

    A split by time draws nothing, so no seed is part of its definition. ``known`` is the column by which rows of the table become
    known: a stratified split shares them out in that order. ``why`` is words, and may be bettered.
    """
    if isinstance(split, TimeSplit):
        return {
            "kind": split.kind,
            "column": split.column,
            "boundaries": ", ".join(f"{part} before {split.boundaries[part]}" for part in PARTS if part in split.boundaries),
            "embargo_days": str(split.embargo_days),
        }
    drawn = {"kind": split.kind, "salt": split.salt, _SEED: str(derived_seed(name, seed)), "method": METHOD}
    if split.unit is not None:
        drawn["unit"] = split.unit
    if isinstance(split, StratifiedSplit):
        drawn |= {"by": split.by, "known": known}
    if isinstance(split, KFoldSplit):
        return drawn | {"k": str(split.k), "repeats": str(split.repeats)}
    return drawn | {"parts": ", ".join(f"{part} {split.parts[part]!r}" for part in PARTS if part in split.parts)}


def definition_hash(definition: Mapping[str, str]) -> str:
    """SHA-256 of a definition."""
    return hash_mapping(definition)


def check_custody(previous: SplitMetadata | None, definition: Mapping[str, str]) -> None:
    """Refuse another definition than the stored split has under its name; ``previous`` is None where there is none yet.

    Raises :class:`~tasks.errors.SplitError` naming each field that changed.
    """
    if previous is None:
        return
    stored = previous.definition
    changed = [field for field in sorted({*stored, *definition}) if stored.get(field) != definition.get(field)]
    if not changed and previous.definition_hash == definition_hash(definition):
        return
    if not changed:
        raise SplitError(
            f"split {previous.name}",
            found="metadata.json whose definition does not have the hash it states",
            expected="the metadata that this stage wrote",
            next_step=f"restore it: dvc checkout data/splits/{previous.name}",
        )
    raise SplitError(
        f"split {previous.name}: its definition changed",
        found="; ".join(_word(field, definition.get(field)) for field in changed),
        expected="; ".join(_word(field, stored.get(field)) for field in changed) + ", as the stored split under this name",
        next_step=f"give the new split a name of its own, in params.yaml under splits and in dvc.yaml (in the matrix of the stage "
        f"split, and beside data/splits/{previous.name} in validate_splits), or restore what was changed",
    )


def _word(field: str, value: str | None) -> str:
    if value is None:
        return f"no {field}"
    return f"{field} {value} (derived from the root seed)" if field == _SEED else f"{field} {value}"


def read_metadata(path: Path) -> SplitMetadata | None:
    """The metadata of the stored split at ``path``, None where there is none yet.

    Raises :class:`~tasks.errors.SplitError` where it cannot be read: what it held cannot be vouched for.
    """
    try:
        return SplitMetadata.from_json(path.read_bytes(), origin=path.name)
    except FileNotFoundError:
        return None
    except DatasetError as error:
        raise SplitError(
            f"split {path.parent.name}: {path.name}",
            found=error.found,
            expected="the stored split's definition, which must not change under its name",
            next_step=f"restore it: dvc checkout data/splits/{path.parent.name}; or give the split a new name in params.yaml",
        ) from None
