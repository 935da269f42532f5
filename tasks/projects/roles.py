"""What the columns of a table are for: label, key, entity, times, production's scores; guessed, with the reason.

What belongs here: guesses from a profile and names, and refusing what cannot be judged. What does not: reading, and what is
made of the roles (``proposal``). Every guess can be given instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tasks.detection import snake_case
from tasks.params.models import Task
from tasks.projects.entities import guess_entity
from tasks.projects.profile import ColumnProfile
from tasks.projects.targets import counted, guess_positive, guess_task, require_column, unfit

ROW, FILE_TIME = "lake_row", "lake_file_utc"
"""The columns that any table of a lake can be asked for: which row of which file, and when the file appeared."""
_KEY = re.compile(r"(^|_)(id|key|no|number|nr|uuid|guid|index|row)(_|$)|(id|nr|nummer)$|^unnamed")
_TIME = re.compile(r"(^|_)(time|timestamp|ts|date|datetime|utc|at|day|created|scheduled|event|opened|started|hour)(_|$)")
_PARTS_OF_A_TIME = ("year", "yr", "quarter", "month", "week", "day")
_KNOWN = re.compile(r"(^|_)(known|updated|closed|settled|resolved|arrived|arrival|ended|finished|observed|labell?ed|recorded)(_|$)")
_BIRTH = re.compile(r"birth|dob|born")
_SCORE = re.compile(r"(^|_)(score|prob|proba|probability|prediction|predicted|pred|forecast)(_|$)")
_VERSION = re.compile(r"(^|_)(model_?version|version|model)(_|$)")


@dataclass(frozen=True)
class Wishes:
    """What the user gave; None where it is to be guessed."""

    label: str
    task: Task | None = None
    key: tuple[str, ...] = ()
    entity: str | None = None
    time: str | None = None
    known: str | None = None
    score: str | None = None


@dataclass(frozen=True)
class Roles:
    """What the columns are for; ``reasons`` says of each role why, in the order in which they were found."""

    label: str
    task: Task
    key: tuple[str, ...]
    time: str
    known: str
    positive: int | str | bool | None = None
    entity: str | None = None
    score: str | None = None
    version: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def has_time(self) -> bool:
        """Whether the table itself says when its rows happened."""
        return self.time != FILE_TIME

    def by_column(self) -> dict[str, str]:
        """Column -> role; where a column has several, the one that decides what becomes of it."""
        found = {self.known: "known", self.time: "time"}
        for role, column in (("version", self.version), ("entity", self.entity), ("score", self.score)):
            if column:
                found[column] = role
        return found | dict.fromkeys(self.key, "key") | {self.label: "label"}


def guess_roles(table: pa.Table, profiles: Mapping[str, ColumnProfile], wishes: Wishes) -> Roles:
    """The roles of the columns of ``table``; what ``wishes`` names is taken, the rest is guessed.

    Raises :class:`~tasks.errors.ProjectError` where a named column is missing or unfit, or the label cannot be judged.
    """
    label = require_column(profiles, wishes.label, "--label")
    reasons: dict[str, str] = {}
    task = guess_task(counted(table, profiles[label]), wishes.task, reasons)
    positive = guess_positive(table, label, reasons) if task == "binary" else None
    taken = {label}
    score = _guess_score(profiles, wishes.score, label, task, reasons)
    taken |= {score} if score else set()
    time = _guess_time(profiles, wishes.time, taken, reasons)
    known = _guess_known(table, profiles, wishes.known, time, reasons)
    taken |= {time, known}
    key = _guess_key(profiles, wishes.key, taken, reasons)
    entity = guess_entity(table, profiles, wishes.entity, taken | set(key), reasons)
    version = _guess_version(profiles, score, taken | set(key) | {entity or ""}, reasons)
    return Roles(label, task, key, time, known, positive, entity, score, version, reasons)


def _guess_score(
    profiles: Mapping[str, ColumnProfile], wished: str | None, label: str, task: Task, reasons: dict[str, str]
) -> str | None:
    if wished is not None:
        column = require_column(profiles, wished, "--production-score")
        profile = profiles[column]
        if column == label or not profile.is_number:
            raise unfit("--production-score", column, f"values of type {profile.kind}", "numbers, in another column than the label")
        if task == "binary" and ((profile.low or 0) < 0 or (profile.high or 0) > 1):
            raise unfit("--production-score", column, "numbers outside 0 to 1", "the probability of the positive value")
        if task == "multiclass":
            raise unfit(
                "--production-score",
                column,
                "one column",
                "none, for a label of several classes: name one per class in params.yaml",
            )
        reasons["production score"] = f"{column}: as given; no feature"
        return column
    fitting = [
        p
        for p in profiles.values()
        if p.name != label
        and task == "binary"
        and p.is_number
        and not p.is_integer
        and _SCORE.search(snake_case(p.name))
        and p.low is not None
        and p.low >= 0
        and (p.high or 0) <= 1
        and p.distinct > 2
    ]
    if len(fitting) == 1:
        reasons["production score"] = (
            f"{fitting[0].name}: by its name, numbers between 0 and 1; no feature (--production-score names another)"
        )
        return fitting[0].name
    reasons["production score"] = (
        "none found: there is no champion, and the verdict will say rubber_stamp (--production-score names one)"
    )
    return None


def _guess_time(profiles: Mapping[str, ColumnProfile], wished: str | None, taken: set[str], reasons: dict[str, str]) -> str:
    if wished is not None:
        column = require_column(profiles, wished, "--time")
        profile = profiles[column]
        if not profile.is_date and column != FILE_TIME:
            raise unfit(
                "--time", column, f"values of type {profile.kind}", "dates or timestamps (params.yaml: snapshot.tables.<t>.types)"
            )
        if profile.filled < profile.rows:
            raise unfit("--time", column, f"{profile.rows - profile.filled:,} rows without a time", "a time in every row")
        reasons["time"] = f"{column}: as given"
        return column

    def rank(profile: ColumnProfile) -> tuple[bool, bool, int]:
        words = snake_case(profile.name)
        return (bool(_KNOWN.search(words)), not _TIME.search(words), not profile.is_time)

    fitting = [
        p
        for p in profiles.values()
        if p.is_date
        and p.filled == p.rows
        and p.distinct > 1
        and p.name not in (*taken, FILE_TIME)
        and not _BIRTH.search(snake_case(p.name))
        and not (p.kind == "date" and class_spans_lives(p))
    ]
    if fitting:
        best = min(fitting, key=rank)
        others = [p.name for p in fitting if p is not best]
        also = f"; also possible: {', '.join(others)} (--time)" if others else ""
        reasons["time"] = f"{best.name}: a {'timestamp' if best.is_time else 'date'} in every row, UTC where it names no zone{also}"
        return best.name
    parts = [p.name for p in profiles.values() if p.is_integer and snake_case(p.name) in _PARTS_OF_A_TIME]
    also = f"; {', '.join(parts)} hold parts of one: as one column of dates in the lake they would be a time" if parts else ""
    reasons["time"] = f"none found: {FILE_TIME}, when the file appeared in the lake, stands in for it (--time names one){also}"
    return FILE_TIME


def class_spans_lives(profile: ColumnProfile) -> bool:
    """Whether dates lie as far apart as dates of birth do."""
    return (profile.high or 0) - (profile.low or 0) > 30 * 365.25 * 86_400e6


def _guess_known(
    table: pa.Table, profiles: Mapping[str, ColumnProfile], wished: str | None, time: str, reasons: dict[str, str]
) -> str:
    if wished is not None:
        column = require_column(profiles, wished, "--known")
        if not (profiles[column].is_time or column == FILE_TIME):
            raise unfit("--known", column, f"values of type {profiles[column].kind}", "timestamps")
        reasons["known"] = f"{column}: as given"
        return column
    if time != FILE_TIME:
        for profile in profiles.values():
            is_later = profile.is_time and profile.name not in (time, FILE_TIME) and _KNOWN.search(snake_case(profile.name))
            if is_later and profile.filled == profile.rows and _is_never_before(table, profile.name, time):
                reasons["known"] = f"{profile.name}: by its name, and never before {time} (--known names another)"
                return profile.name
    reasons["known"] = f"{FILE_TIME}: no column says when a row became known; when its file appeared is the latest it can have been"
    return FILE_TIME


def _is_never_before(table: pa.Table, later: str, earlier: str) -> bool:
    moments = [table.column(name).cast(pa.timestamp("us"), safe=False) for name in (later, earlier)]
    return bool(pc.all(pc.greater_equal(*moments)).as_py())


def _guess_key(
    profiles: Mapping[str, ColumnProfile], wished: Sequence[str], taken: set[str], reasons: dict[str, str]
) -> tuple[str, ...]:
    if wished:
        columns = tuple(require_column(profiles, name, "--key") for name in wished)
        profile = profiles[columns[0]]
        if len(columns) == 1 and not profile.is_unique and columns[0] != ROW:
            found = f"{profile.distinct_words} distinct values in {profile.rows:,} rows"
            raise unfit("--key", columns[0], found, "a value of its own in each row; --key may be given more than once")
        reasons["key"] = f"{', '.join(columns)}: as given"
        return columns
    fitting = [
        p for p in profiles.values() if p.is_unique and (p.is_text or p.is_integer) and p.name not in (*taken, ROW) and p.rows > 1
    ]
    named = [p for p in fitting if _KEY.search(snake_case(p.name))]
    if named:
        reasons["key"] = f"{named[0].name}: by its name, and a value of its own in each of {named[0].rows:,} rows"
        return (named[0].name,)
    reasons["key"] = (
        f"{ROW}: no column is called a key and tells all rows apart; the row's place in its file does (--key names another)"
    )
    return (ROW,)


def _guess_version(
    profiles: Mapping[str, ColumnProfile], score: str | None, taken: set[str], reasons: dict[str, str]
) -> str | None:
    if score is None:
        return None

    def is_version(profile: ColumnProfile) -> bool:
        return profile.is_text and profile.distinct <= 50 and bool(_VERSION.search(snake_case(profile.name)))

    found = next((p.name for p in profiles.values() if p.name not in taken and is_version(p)), None)
    if found:
        reasons["model version"] = f"{found}: by its name"
    return found
