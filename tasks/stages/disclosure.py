"""Stage ``disclosure``: how easily a person is found in the masked tables and the features, joined; and whether they may be used.

Too much risk is a report that says so, and the stage still ends well, so that it is versioned too; ``train`` and ``evaluate``
refuse what is not released.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import read_manifest, read_partition, read_table, row_keys, write_atomically
from tasks.disclosure import (
    FEATURE,
    Generalisation,
    KnownColumn,
    PeopleView,
    assess_view,
    columns_on_the_way,
    join_people,
    known_columns,
    known_features,
    measure_loss,
    open_tables,
    quote,
    sensitive_columns,
)
from tasks.errors import DatasetError
from tasks.params import Params
from tasks.params.base import split_reference
from tasks.params.features import Take
from tasks.records import DisclosureReport, Manifest, ViewRisk
from tasks.seeds import derive_seed
from tasks.stages import Stage, StageContext
from tasks.stages.made_with import made_with

_CODE = ("tasks/stages/disclosure.py", "tasks/disclosure", "tasks/seeds.py")
STATEMENT = (
    "Whatever these figures say, masked data is pseudonymised and still personal data (GDPR Article 4(5)): they measure how far "
    "it is from telling who somebody is, against an attacker who knows the columns below and nothing else."
)


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params
    masked = read_manifest(paths.masked, made_by="mask")
    features = read_manifest(paths.features, made_by="features")
    if features.about.get("masked") != masked.logical_hash:
        raise DatasetError(
            str(paths.features), found="features of other masked tables", expected="those at hand", next_step="dvc repro features"
        )
    seed = derive_seed(params.seed, "disclosure")
    views = _views(context, masked, features)
    costs = _Costs(context, features, seed)
    limits, owners = params.masking.limits, _owners(params)
    risks = tuple(assess_view(view, limits, seed=seed, cost=costs.of, owners=owners) for view in views)
    report = DisclosureReport(
        is_released=not any(risk.exceeded for risk in risks),
        statement=STATEMENT,
        limits=limits.model_dump(),
        inputs={
            "masked": masked.logical_hash,
            "features": features.logical_hash,
            **made_with(params, "disclosure", masked.about, features.about),
        },
        views=risks,
    )
    paths.disclosure_report.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(paths.disclosure_report, report.to_json().encode())
    _tell(report)


def _views(context: StageContext, masked: Manifest, features: Manifest) -> tuple[PeopleView, ...]:
    params, rows = context.params, context.params.features.rows
    published = {name: table.columns for name, table in masked.tables.items()}
    quasi = known_columns(params.masking, published)
    quasi = (*quasi, *known_features(params.features, params.masking, quasi))
    sensitive = (*sensitive_columns(params.masking, published), *_label(params))
    tables = {column.table for column in (*quasi, *sensitive)}
    person = params.masking.limits.person
    links = columns_on_the_way(_links(params, published), person=person, rows=rows, tables=tables)
    wanted: dict[str, dict[str, None]] = {} if person is not None else {rows: {}}
    columns = [(c.table, c.column) for c in (*quasi, *sensitive)] + [end for ends in links.values() for end in ends]
    for table, column in columns:
        wanted.setdefault(table, {})[column] = None
    sources = {table: _read(context, masked, features, table, list(names)) for table, names in wanted.items()}
    return join_people(sources, links, person=person, rows=rows, quasi=quasi, sensitive=sensitive)


def _read(context: StageContext, masked: Manifest, features: Manifest, table: str, names: Sequence[str]) -> pa.Table:
    """Columns of a masked table, with those features beside that are called after :data:`~tasks.disclosure.columns.FEATURE`.

    Features are joined a partition at a time: the keys of all rows at once would be most of what is in memory.
    """
    own = [name.removeprefix(FEATURE) for name in names if name.startswith(FEATURE)]
    plain = [name for name in names if not name.startswith(FEATURE)]
    if not own:
        return read_table(context.paths.masked, masked, table, plain)
    key = context.params.snapshot.tables[table].key
    stored = {partition.path.split("/", 1)[1]: partition for partition in features.tables["features"].partitions}
    pieces = []
    for partition in masked.tables[table].partitions:
        rows = read_partition(context.paths.masked, partition, list(dict.fromkeys([*plain, *key])))
        beside = read_partition(context.paths.features, stored[partition.path.split("/", 1)[1]], ["row_key", *own])
        place = pc.index_in(row_keys(rows, key), value_set=beside.column("row_key").combine_chunks())
        rows = rows.select(plain)
        for name in own:
            rows = rows.append_column(FEATURE + name, beside.column(name).take(place))
        pieces.append(rows)
    return pa.concat_tables(pieces, promote_options="default")


def _owners(params: Params) -> dict[str, str]:
    """By table the column whose values are people, where they are named."""
    person = params.masking.limits.person
    return dict(split_reference(reference) for reference in (params.masking.domains[person] if person is not None else ()))


def _label(params: Params) -> tuple[KnownColumn, ...]:
    """The label, where the rows that have it are people's own."""
    person = params.masking.limits.person
    owners = () if person is None else params.masking.domains[person]
    is_own = person is None or any(split_reference(owner)[0] == params.features.rows for owner in owners)
    return (KnownColumn(params.features.rows, f"{FEATURE}label"),) if is_own else ()


def _links(params: Params, published: dict[str, dict[str, str]]) -> dict[str, tuple[tuple[str, str], ...]]:
    links = {}
    for domain, references in params.masking.domains.items():
        ends = [split_reference(reference) for reference in references]
        links[domain] = tuple((table, column) for table, column in ends if column in published.get(table, ()))
    return links


class _Costs:
    """What a proposal costs a model."""

    def __init__(self, context: StageContext, features: Manifest, seed: int) -> None:
        self._context, self._manifest, self._seed = context, features, seed

    def of(self, view: PeopleView, column: str, found: Generalisation) -> tuple[tuple[str, ...], str]:
        """The features that read ``column``, and what a model loses with what ``found`` makes of it."""
        declared = self._context.params.features.columns
        readers = tuple(name for name, feature in declared.items() if feature.source == column)
        if not found.rules[column]:
            return readers, "nothing: it stays as it is"
        if not readers:
            return readers, "nothing: no feature reads it"
        if not all(isinstance(declared[name], Take) for name in readers):
            return readers, "not measured: it reaches the model through other rows"
        if quote(column) not in found.expressions[column] and found.expressions[column] != "NULL":
            return readers, "not measured: the published value is no longer the date itself"
        return readers, self._measure(column, readers, found.expressions[column])

    def _measure(self, column: str, readers: tuple[str, ...], expression: str) -> str:
        params = self._context.params
        names = list(params.features.names)
        rows = read_table(self._context.paths.features, self._manifest, "features", ["label", *names])
        before = rows.select(names)
        after = before
        for name in readers:
            with open_tables({"t": pa.table({column: before.column(name)})}) as con:
                changed = con.sql(f"SELECT {expression} AS v FROM t").to_arrow_table().column("v")  # noqa: S608 - a ladder's own
            after = after.set_column(names.index(name), name, _as_feature(changed))
        loss = measure_loss(before, after, rows.column("label"), params.label.task, self._seed)
        if loss is None:
            return "not measured: too few labelled rows"
        return f"{loss.metric} {loss.before:.4f} before, {loss.after:.4f} after, on {loss.rows:,} rows"


def _as_feature(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values if pa.types.is_string(values.type) else values.cast(pa.float64())


def _tell(report: DisclosureReport) -> None:
    state = "released" if report.is_released else "NOT RELEASED"
    print(f"disclosure: {state}; {report.views[0].people:,} people, {len(report.views[0].columns)} quasi-identifiers")
    for view in report.views:
        for reason in view.exceeded:
            print(f"  {view.who}: {reason}")
        for line in proposal_lines(view):
            print(f"  {line}")


def proposal_lines(view: ViewRisk) -> list[str]:
    """What a proposal changes, one line for each column."""
    lines = [f"proposed: {c.column}: {{{c.becomes}}}, model quality: {c.quality}" for c in view.proposal if c.becomes]
    return [*lines, f"or: {view.suppression}"] if view.suppression else lines


STAGE = Stage(
    reads=lambda _: ("data/masked/manifest.json", "data/features/manifest.json"),
    writes=lambda _: ("data/disclosure/disclosure.json",),
    code=_CODE,
    run=_run,
)
