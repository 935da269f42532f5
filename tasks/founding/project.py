"""The steps from one table to a project: profile, guesses, classes, anonymity, proposal, suites, files.

What belongs here: the order of the steps, and handing their results on. What does not: any of the steps. Nothing is written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.disclosure import Generalisation, quote
from tasks.errors import ProjectError
from tasks.evaluation.bootstrap import FEWEST_CLUSTERS
from tasks.founding.leaks import find_excluded, without_leaks
from tasks.projects.classes import Classed, class_columns
from tasks.projects.contrast import MIN_PER_CLASS, count_later, measure_contrast, measure_days
from tasks.projects.files import as_written, key_path, project_files
from tasks.projects.joins import Join, find_joins
from tasks.projects.judgement import TEST_SHARE, Contrast
from tasks.projects.ladders import anonymise
from tasks.projects.policy import Policy, domain_name, propose_policy
from tasks.projects.profile import ColumnProfile, open_table, profile_table
from tasks.projects.proposal import Findings, Proposal, Setting, needed_columns, propose_project
from tasks.projects.roles import FILE_TIME, ROW, Roles, Wishes, guess_roles
from tasks.projects.suites import Known, draft_suites, few_values
from tasks.projects.survey import LakeTable, Reading, survey_columns

_REASONS_AT_MOST = 12


@dataclass(frozen=True)
class Founded:
    """A project as it is to be written, and everything that was guessed, for whoever prints it."""

    files: Mapping[str, str]
    key: Path
    table: str
    rows: int
    roles: Roles
    classed: Mapping[str, Classed]
    policy: Policy
    generalisation: Generalisation
    excluded: Mapping[str, str]
    left_out: tuple[str, ...]
    proposal: Proposal
    joins: tuple[Join, ...] = ()
    """What each other table of the lake has to do with this one."""


def found_project(
    source: LakeTable,
    *,
    others: Sequence[LakeTable] = (),
    folder: Path,
    lake: str,
    wishes: Wishes,
    k: int,
    now: datetime,
    s3: Mapping[str, str],
) -> Founded:
    """The project on the table ``source``, to lie in ``folder``; nothing is written.

    Raises :class:`~tasks.errors.ProjectError` where the label cannot be judged, or a wish does not fit the table.
    """
    reading = source.read()
    table, dropped_columns = survey_columns(source, reading, wishes)
    profiles = profile_table(table)
    empty = {
        name: "left out: no row has a value" for name, profile in profiles.items() if not profile.filled and name != wishes.label
    }
    profiles = {name: profile for name, profile in profiles.items() if name not in empty}
    table = table.select(list(profiles))
    roles = _on_all_rows(guess_roles(table, profiles, wishes), reading, wishes)
    profiles |= {name: _virtual(name, table.num_rows, now) for name in needed_columns(roles)}
    contrast = measure_contrast(table, roles)
    contrast = replace(contrast, rows=contrast.rows * (reading.rows or table.num_rows) // table.num_rows)
    excluded, remarkable = find_excluded(table, profiles, roles)
    remarkable = (*_doubts(table, roles, contrast, now), *remarkable)
    roles = replace(roles, reasons={**roles.reasons, **({"look at": "; ".join(remarkable)} if remarkable else {})})
    joins, leaking = without_leaks(find_joins(table, roles, others, now), table, roles)
    excluded |= leaking
    declared = tuple(join for join in joins if join.is_declared)
    parts = {join.by: "join" for join in declared} | roles.by_column()
    classed = class_columns(profiles, parts)
    quasi = [profiles[name] for name, found in classed.items() if found.column_class == "quasi"]
    generalisation = anonymise(table, quasi, k, roles.entity)
    tokens = {name: domain_name(name) for name, role in parts.items() if role in ("key", "entity", "join")}
    policy = propose_policy(profiles, classed, generalisation, tokens)
    days, boundaries = measure_days(table, roles.time) if roles.has_time else (0, None)
    findings = Findings(source.name, profiles, roles, policy, excluded, contrast, boundaries, days, declared, reading.declared)
    name = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "project"
    key = key_path(name)
    proposal = propose_project(findings, Setting(lake, name, now, as_written(key), s3, k))
    unusable = {**dropped_columns, **empty}
    if not proposal.features:
        masked = {column: f"dropped by masking ({classed[column].evidence})" for column in policy.dropped}
        raise _nothing_to_learn(source.name, {**unusable, **masked, **excluded}, proposal)
    left_out = (*(f"{column}: {why}" for column, why in unusable.items()), *proposal.left_out)
    known = Known(source.name, profiles, roles.key, (roles.time, roles.known), policy, _few_values(table, profiles, policy))
    suites = draft_suites(known, roles, proposal.features, [_known_of(join) for join in declared])
    founded = Founded(
        {}, key, source.name, table.num_rows, roles, classed, policy, generalisation, excluded, left_out, proposal, joins
    )
    return replace(founded, files=project_files(proposal.params, suites, _readme(founded, name, lake, as_written(key))))


def _nothing_to_learn(table: str, reasons: Mapping[str, str], proposal: Proposal) -> ProjectError:
    why = [*(f"{column}: {reason}" for column, reason in reasons.items()), *proposal.left_out]
    more = f"; and {len(why) - _REASONS_AT_MOST:,} more" if len(why) > _REASONS_AT_MOST else ""
    return ProjectError(
        f"table {table}",
        found=f"no column that a model could learn from. {'; '.join(why[:_REASONS_AT_MOST])}{more}",
        expected="at least one that is not the label, the key, a time or a score, and is none of these",
        next_step="mend the table's columns in the lake; --key, --entity, --time and --k change what becomes of them",
    )


def _on_all_rows(roles: Roles, reading: Reading, wishes: Wishes) -> Roles:
    """``roles`` with how the table was read, and a key that tells all rows apart where only some were looked at."""
    seen = f"{reading.table.num_rows:,} of {reading.rows:,} rows looked at, evenly spread" if not reading.is_whole else ""
    told = {"files": "; ".join([*reading.reasons, seen] if seen else reading.reasons)} if reading.reasons else {}
    if reading.is_whole or reading.count_distinct is None or roles.key == (ROW,):
        return replace(roles, reasons={**told, **roles.reasons})
    if reading.count_distinct(roles.key) == reading.rows:
        return replace(roles, reasons={**told, **roles.reasons})
    why = f"{', '.join(roles.key)} does not tell all {reading.rows:,} rows apart"
    if wishes.key:
        raise ProjectError(
            f"--key {' '.join(roles.key)}",
            found=why,
            expected="a value of its own in each row",
            next_step="mend --key, or leave it out",
        )
    return replace(roles, key=(ROW,), reasons={**told, **roles.reasons, "key": f"{ROW}: {why}"})


def _doubts(table: pa.Table, roles: Roles, contrast: Contrast, now: datetime) -> Iterator[str]:
    """What a person should know before a run; raises :class:`~tasks.errors.ProjectError` where no row is known yet."""
    unknown = count_later(table, roles.known, now) if roles.known in table.column_names else 0
    if unknown == table.num_rows:
        raise ProjectError(
            f"--known {roles.known}",
            found=f"every one of {unknown:,} rows becomes known only after {now:%Y-%m-%dT%H:%M:%SZ}, which is now",
            expected="rows that are known",
            next_step=f"give another column by --known, or --known {FILE_TIME}",
        )
    if unknown:
        yield f"{unknown:,} of {table.num_rows:,} rows become known ({roles.known}) only in the future, and are not copied before"
    ahead = count_later(table, roles.time, now) if roles.has_time and roles.time != roles.known else 0
    if ahead:
        what = "check its unit, its zone and its order of day and month"
        yield f"{ahead:,} of {table.num_rows:,} rows lie in the future by {roles.time}: {what}"
    if contrast.rare:
        yield f"{contrast.rare:,} of {contrast.classes:,} classes have fewer than {MIN_PER_CLASS} rows: too few to judge"
    if contrast.rows * TEST_SHARE < FEWEST_CLUSTERS:
        yield f"{contrast.rows:,} labelled rows leave fewer than {FEWEST_CLUSTERS} to test on: the verdict will be not judged"


def _virtual(name: str, rows: int, now: datetime) -> ColumnProfile:
    """The profile of a column that no file holds."""
    if name == ROW:
        return ColumnProfile(ROW, "string", rows, rows, rows)
    moment = now.timestamp() * 1e6
    return ColumnProfile(FILE_TIME, "timestamp[UTC]", rows, rows, 1, moment, moment)


def _known_of(join: Join) -> Known:
    rows = join.reading.table if join.reading else pa.table({})
    held = {name: profile for name, profile in join.profiles.items() if name in rows.column_names}
    return Known(
        join.table, join.profiles, (join.key,), (join.known,), join.policy, _few_values(rows.select(list(held)), held, join.policy)
    )


def _few_values(table: pa.Table, profiles: Mapping[str, ColumnProfile], policy: Policy) -> dict[str, list[Any]]:
    """The values of kept columns that have few, in order."""
    chosen = [name for name in table.column_names if few_values(profiles[name], policy)]
    if not chosen:
        return {}
    with open_table(table.select(chosen)) as con:
        statement = "SELECT DISTINCT {0} AS v FROM t WHERE {0} IS NOT NULL ORDER BY v"
        return {name: [value for (value,) in con.execute(statement.format(quote(name))).fetchall()] for name in chosen}


def anonymity_words(generalisation: Generalisation) -> str:
    """What the generalisation comes to, in a sentence."""
    if not generalisation.rules:
        return f"No column was taken for a quasi-identifier, so k = {generalisation.k} holds for want of any."
    kept = [name for name, rule in generalisation.rules.items() if rule.get("transform") != "drop"]
    if not kept:
        dropped = ", ".join(generalisation.rules)
        return f"Of the quasi-identifiers none could be kept within k = {generalisation.k}: {dropped} are dropped."
    return (
        f"k = {generalisation.k}: of {generalisation.rows:,} rows {generalisation.below_before:,} stood in a crowd below k, "
        f"{generalisation.below:,} do after masking; the smallest crowd over {', '.join(kept)} is {generalisation.smallest:,}."
    )


def _readme(founded: Founded, name: str, lake: str, key_file: str) -> dict[str, Any]:
    columns = [
        {
            "name": c.name,
            "column_class": c.column_class,
            "treatment": founded.policy.words(c.name),
            "evidence": c.evidence.replace("|", "/"),
        }
        for c in founded.classed.values()
    ]
    return {
        "name": name,
        "label": founded.roles.label,
        "table": founded.table,
        "lake": lake,
        "key_file": key_file,
        "guesses": list(founded.roles.reasons.items()),
        "columns": columns,
        "anonymity": anonymity_words(founded.generalisation),
        "excluded": list(founded.excluded.items()),
        "left_out": founded.left_out,
        "joins": [(join.table, join.words()) for join in founded.joins],
    }
