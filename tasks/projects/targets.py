"""The label: its task, the value that counts as positive, and refusing one that cannot be judged.

What belongs here: what the label's own profile says, and naming a column that a wish asks for. What does not: the other roles
(``roles``).
"""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import ProjectError
from tasks.params.models import Task
from tasks.projects.profile import ColumnProfile

MOST_CLASSES = 100
_FEW_NUMBERS = 20
"""Distinct whole numbers up to which they are classes rather than amounts."""
_YES = ("1", "true", "t", "yes", "y", "ja", "oui", "si", "sí", "sim", "positive", "pos")
_EVENTS = ("bad", "late", "fraud", "churned", "default", "malignant")


def require_column(profiles: Mapping[str, ColumnProfile], name: str, option: str) -> str:
    """The column called ``name``, or, where there is none, the only one that differs from it by case alone."""
    if name in profiles:
        return name
    alike = [column for column in profiles if column.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    shown = ", ".join(list(profiles)[:40])
    raise ProjectError(
        f"{option} {name}", found=f"no such column; there are {shown}", expected="one of them", next_step=f"mend {option}"
    )


def unfit(option: str, column: str, found: str, expected: str) -> ProjectError:
    """The error for a column that a wish names and that cannot be what it is to be."""
    return ProjectError(
        f"{option} {column}", found=found, expected=expected, next_step=f"give another column by {option}, or mend the data"
    )


def counted(table: pa.Table, profile: ColumnProfile) -> ColumnProfile:
    """``profile`` of a column of ``table`` with its distinct values counted exactly; NaN is none."""
    column = table.column(profile.name)
    if pa.types.is_floating(column.type):
        column = column.filter(pc.invert(pc.fill_null(pc.is_nan(column), False)))
    return replace(profile, distinct=len(column.unique().drop_null()), is_counted=True)


def guess_task(profile: ColumnProfile, wished: Task | None, reasons: dict[str, str]) -> Task:
    """The task that the label's values speak for, or the one that is wished, if they allow it; refuses what cannot be judged."""
    if profile.filled == 0:
        raise unfit("--label", profile.name, f"no value in any of {profile.rows:,} rows", "a label that is known in some rows")
    if profile.distinct < 2:
        raise unfit("--label", profile.name, f"one value only, in all {profile.filled:,} labelled rows", "a label that varies")
    task = wished or _natural_task(profile)
    if task == "binary" and profile.distinct != 2:
        raise unfit("--label", profile.name, f"{profile.distinct:,} distinct values", "two, for --task binary")
    if task == "regression" and not profile.is_number:
        raise unfit("--label", profile.name, f"values of type {profile.kind}", "numbers, for --task regression")
    if task == "multiclass" and profile.distinct > MOST_CLASSES:
        found = f"{profile.distinct:,} distinct values in {profile.filled:,} rows"
        raise unfit("--label", profile.name, found, f"at most {MOST_CLASSES} classes, or numbers")
    missing = profile.rows - profile.filled
    without = f"; {missing:,} of {profile.rows:,} rows have none and are not judged" if missing else ""
    said = "as given" if wished else f"the label has {profile.distinct:,} distinct values of type {profile.kind}"
    reasons["task"] = f"{task}: {said}{without}"
    return task


def _natural_task(profile: ColumnProfile) -> Task:
    if profile.distinct == 2:
        return "binary"
    if profile.is_number and (profile.distinct > _FEW_NUMBERS or not profile.is_integer):
        return "regression"
    return "multiclass"


def guess_positive(table: pa.Table, label: str, reasons: dict[str, str]) -> int | str | bool:
    """The value that counts as 1: one that means yes, else the rarer one."""
    column = table.column(label)
    if pa.types.is_floating(column.type):
        column = column.filter(pc.invert(pc.fill_null(pc.is_nan(column), False)))
    counts = sorted(((entry["counts"], entry["values"]) for entry in pc.value_counts(column.drop_null()).to_pylist()), key=str)
    rarest_first = [value for _, value in sorted(counts, key=lambda entry: entry[0])]
    yes = [value for value in rarest_first if _plain(value) in (*_YES, *_EVENTS)]
    chosen = yes[0] if len(yes) == 1 else rarest_first[0]
    total = sum(count for count, _ in counts)
    share = next(count for count, value in counts if value == chosen) / total
    why = "it is the rarer one" if len(yes) != 1 else "it means yes" if _plain(chosen) in _YES else "it names what is watched for"
    reasons["positive"] = f"{chosen!r} counts as 1, because {why}: {share:.1%} of the labelled rows"
    return int(chosen) if isinstance(chosen, float) else chosen


def _plain(value: object) -> str:
    text = str(value).strip().lower()
    return text.removesuffix(".0")
