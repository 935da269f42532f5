"""Features of raw rows, held against the masked rows that they became: inside the restricted zone, and in memory alone.

What belongs here: reading the snapshot for the stage ``utility`` and for a recipe that is fitted again, and finding to each masked
row its raw one. What does not: what is compared. No stage of its own: those call it. A raw row and its masked one are matched by
identity: the raw key is masked as the stage ``mask`` masked it, and nothing is taken from the order of rows. What does not fit into
memory lies in a private folder that is gone when this returns.
"""

import contextlib
import io
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from tasks.datasets import StoredTable, open_table, row_keys
from tasks.errors import DatasetError, FeatureError
from tasks.features import add_user_features, check_features, compute_features, load_functions
from tasks.features.types import TIMES
from tasks.masking import MaskingKey, mask_columns, treat_columns
from tasks.masking.policy import KEPT
from tasks.params import Params
from tasks.params.base import split_reference
from tasks.params.features import Feature, FeaturesParams, Share
from tasks.paths import make_private
from tasks.records import Manifest
from tasks.stages import StageContext
from tasks.stages.column_samples import choose_partitions
from tasks.utility import TimesAsYears

_BY_RULE = ("date_part", "generalise", "bucket", "round", "clip")
"""Transforms of one value of one row, that no key and no other row has a part in."""


@dataclass(frozen=True)
class RawRows:
    """The raw counterparts of some masked rows, in their order."""

    rows: pa.Table
    """label, and the features."""
    as_masked: dict[str, str]
    """Feature -> why raw rows cannot give it; its masked values stand in its place."""


class RawReader:
    """The snapshot of one project, as features see it."""

    def __init__(self, context: StageContext, key: MaskingKey, snapshots: Manifest, masked: Manifest) -> None:
        """Read what ``snapshots`` lists, of which ``masked`` was made under ``key``."""
        self._context, self._key, self._snapshots = context, key, snapshots
        self._params = context.params
        self._sources = {
            name: TimesAsYears(open_table(context.paths.snapshots, snapshots, name), self._no_longer_times(name, masked))
            for name in masked.tables
        }

    def _no_longer_times(self, table: str, masked: Manifest) -> set[str]:
        """The columns of ``table`` that are times in the snapshot, and something else once they are masked."""
        raw, after = self._snapshots.tables[table].columns, masked.tables[table].columns
        return {name for name, kind in raw.items() if kind in TIMES and name in after and after[name] not in TIMES}

    def read(self, masked_rows: pa.Table) -> RawRows:
        """The raw counterpart of each of ``masked_rows`` (row_key and features).

        Raises :class:`~tasks.errors.DatasetError` where one has none, and :class:`~tasks.errors.FeatureError` as
        :func:`~tasks.features.compute_features` does.
        """
        features = self._params.features
        reasons = {name: self._why_not_raw(name, feature) for name, feature in features.columns.items()}
        as_masked = {name: reason for name, reason in reasons.items() if reason}
        computed = {name: feature for name, feature in features.columns.items() if name not in as_masked}
        spill = self._context.paths.raw_spill
        shutil.rmtree(spill, ignore_errors=True)  # what a killed run left
        make_private(spill)
        try:
            found = self._compute(features.model_copy(update={"columns": computed}), masked_rows.column("row_key"))
        finally:
            shutil.rmtree(spill, ignore_errors=True)
        for name in as_masked:
            found = found.append_column(name, masked_rows.column(name))
        found = self._add_functions(found, masked_rows, as_masked)
        return RawRows(found.select(["label", *features.names]), as_masked)

    def _compute(self, features: FeaturesParams, wanted: pa.ChunkedArray) -> pa.Table:
        """label and the declared features of the raw rows that became ``wanted``, in that order."""
        params, keys = self._params, wanted.combine_chunks()
        is_wanted, names = self._find(keys)
        pieces = compute_features(
            self._sources,
            features,
            params.snapshot.tables,
            params.label,
            as_of=datetime.fromisoformat(self._snapshots.about["as_of_utc"]),
            spill=self._context.paths.raw_spill,
            chosen=is_wanted,
        )
        found = pa.concat_tables(list(pieces))
        raw = names.column("raw").take(pc.index_in(keys, value_set=names.column("masked").combine_chunks()))
        place = pc.index_in(raw, value_set=found.column("row_key").combine_chunks())
        if place.null_count or not found.num_rows == names.num_rows == len(keys):
            raise DatasetError(
                "data/snapshots and data/features",
                found=f"{names.num_rows:,} raw rows that {len(keys):,} masked rows were made of",
                expected="each masked row made of one raw row of this snapshot",
                next_step="dvc repro",
            )
        return found.take(place)

    def _find(self, wanted: pa.Array) -> tuple[pa.ChunkedArray, pa.Table]:
        """Of each raw row whether it became one of ``wanted``; and of those that did the key before (raw) and after (masked)."""
        table = self._params.features.rows
        key = self._params.snapshot.tables[table].key
        flags, names = [], []
        for piece in self._stored(table).pieces(key):
            masked = row_keys(mask_columns(table, piece, self._params.masking, self._key), key)
            is_wanted = pc.is_in(masked, value_set=wanted)
            flags.append(is_wanted)
            names.append(pa.table({"raw": row_keys(piece, key), "masked": masked}).filter(is_wanted))
        return pa.chunked_array(flags, pa.bool_()), pa.concat_tables(names)

    def _stored(self, table: str) -> StoredTable:
        return open_table(self._context.paths.snapshots, self._snapshots, table)

    def _why_not_raw(self, name: str, feature: Feature) -> str:
        """Why raw rows cannot give ``feature``; empty where they can."""
        params = self._params
        schemas = {table: source.columns for table, source in self._sources.items()}
        alone = params.features.model_copy(update={"columns": {name: feature}, "functions": {}})
        try:
            check_features(alone, params.snapshot.tables, params.label, schemas)
        except FeatureError as error:
            return f"raw rows have {error.found}"
        if isinstance(feature, Share) and is_changed(self._params, feature.source) and not self._stands_in(feature):
            return "the value that it looks for is one of masked rows alone"
        return ""

    def _stands_in(self, feature: Share) -> bool:
        """Whether at least k raw rows, of those that are looked at, hold the value that ``feature`` counts."""
        table, column = split_reference(feature.source)
        stored = self._stored(table)
        count = 0
        for partition in choose_partitions(list(stored.record.partitions)):
            values = stored.read(partition, (column,)).column(column)
            try:
                count += pc.sum(pc.equal(values, pa.scalar(feature.equals).cast(values.type))).as_py() or 0
            except pa.ArrowException:  # no value of that type: the error would show it
                return False
        return bool(count >= self._params.masking.limits.k)

    def _add_functions(self, rows: pa.Table, masked_rows: pa.Table, as_masked: dict[str, str]) -> pa.Table:
        """``rows`` with the columns of the user's functions; those that raw rows cannot give are added to ``as_masked``."""
        for function in load_functions(self._params.features.functions, self._context.paths.root):
            try:
                with keep_silent():
                    rows = add_user_features(rows, (function,))
            except FeatureError:
                as_masked |= dict.fromkeys(function.declared.gives, f"the function {function.name} cannot compute it from raw rows")
                for name in function.declared.gives:
                    rows = rows.append_column(name, masked_rows.column(name))
        return rows


@contextlib.contextmanager
def keep_silent() -> Iterator[None]:
    """Neither warnings nor what somebody's code prints leave this: they would carry raw values into a log."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def is_made_by_rule(params: Params, name: str) -> bool:
    """Whether the masked feature ``name`` is what masking's own rule makes of raw rows, one at a time and without a key.

    Whoever has the raw row can compute it as well, by the rule that ``params.yaml`` says. A function's feature never counts.
    """
    feature = params.features.columns.get(name)
    if feature is None or "." not in feature.source:
        return False
    table, column = split_reference(feature.source)
    declared = params.masking.tables.get(table)
    (treatment,) = treat_columns(params.masking, table, [column])
    return treatment.transform in _BY_RULE and (declared is None or declared.suppress is None)


def changed_features(params: Params) -> set[str]:
    """The features that read a column which masking changes, those of functions that take such a feature included."""
    declared = params.features.columns
    changed = {name for name, feature in declared.items() if "." in feature.source and is_changed(params, feature.source)}
    for function in params.features.functions.values():
        if changed & set(function.takes):
            changed |= set(function.gives)
    return changed


def is_changed(params: Params, reference: str) -> bool:
    """Whether masking changes ``table.column``."""
    table, column = split_reference(reference)
    (treatment,) = treat_columns(params.masking, table, [column])
    return treatment.transform != KEPT
