"""Whose rows a table holds: the column that names somebody or something that recurs.

What belongs here: guessing that one role, and refusing a wish that cannot be it. What does not: the other roles (``roles``).
"""

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tasks.detection import snake_case
from tasks.projects.profile import ColumnProfile
from tasks.projects.targets import counted, require_column, unfit

_ENTITY = re.compile(
    r"(^|_)(customer|user|client|patient|account|person|member|household|subscriber|driver|employee|passenger|student|store|shop|"
    r"subject|respondent|participant|device|machine|sensor|vehicle|aircraft|tailnum|vendor|merchant|seller|company|group)"
    r"(_?(id|no|number|nr|num|key|code))?$"
)
_ENTITY_SHARE = 0.01
"""Distinct values per row below which a number called id is rather a code (of a place, a species) than an entity's."""
_MOST_OF_ONE = 0.2
"""Share of the rows above which one value (none, unknown) would decide alone which part most rows fall into."""
_NUMBERED = re.compile(r"(^|_)(id|uuid|guid)$|^id_?(code|no|num|number|nr)$|^pid$")
"""A name that only says that something has a number: an entity's, where the number recurs."""


def names_something(column: str) -> bool:
    """Whether the name of ``column`` says that it tells somebody or something apart."""
    words = snake_case(column)
    return _ENTITY.search(words) is not None or _NUMBERED.search(words) is not None or words.endswith(("_id", "_key", "_no"))


def guess_entity(
    table: pa.Table, profiles: Mapping[str, ColumnProfile], wished: str | None, taken: set[str], reasons: dict[str, str]
) -> str | None:
    """The column that says whose rows they are: the one that is wished, or one that is called so and recurs; ``reasons`` says why.

    Raises :class:`~tasks.errors.ProjectError` where the wished one is missing, is ``taken``, or tells each row apart.
    """
    if wished is not None:
        column = require_column(profiles, wished, "--entity")
        profile = profiles[column]
        if not (profile.is_text or profile.is_integer):
            raise unfit("--entity", column, f"values of type {profile.kind}", "texts or integers that name somebody or something")
        if profile.filled and profile.distinct == profile.filled:
            found = f"a value of its own in each of {profile.filled:,} rows: a key, not an entity"
            raise unfit(
                "--entity", column, found, "one that recurs, such as a customer; without --entity rows are parted by their key"
            )
        if column in taken:
            raise unfit("--entity", column, "the label, a time, a score or the key", "another column")
        reasons["entity"] = f"{column}: as given; {counted(table, profile).distinct:,} of them in {profile.rows:,} rows"
        return column

    def recurs(profile: ColumnProfile) -> bool:
        return profile.distinct >= 10 and profile.distinct_share <= 0.8 and profile.filled >= 0.5 * profile.rows

    passed_over: list[str] = []
    for pattern, least_share in ((_ENTITY, 0.0), (_NUMBERED, _ENTITY_SHARE)):
        for profile in profiles.values():
            is_named = profile.name not in taken and pattern.search(snake_case(profile.name)) is not None
            if not (is_named and (profile.is_text or profile.is_integer)):
                continue
            if recurs(profile) and profile.distinct_share >= least_share:
                if _commonest_share(table, profile.name) > _MOST_OF_ONE:
                    passed_over.append(
                        f"{profile.name} is none, since one value stands in more than {_MOST_OF_ONE:.0%} of the rows"
                    )
                    continue
                count = counted(table, profile).distinct
                reasons["entity"] = f"{profile.name}: by its name, and it recurs: {count:,} of them in {profile.rows:,} rows"
                return profile.name
    because = "".join(f"; {said}" for said in dict.fromkeys(passed_over))
    reasons["entity"] = f"none found: rows are taken to be independent of each other{because} (--entity names one)"
    return None


def _commonest_share(table: pa.Table, name: str) -> float:
    """The share of rows with a value that hold the commonest one."""
    counts = pc.value_counts(table.column(name).drop_null()).field("counts")
    return float(pc.max(counts).as_py() / pc.sum(counts).as_py())
