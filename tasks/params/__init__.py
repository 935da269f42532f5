"""``params.yaml`` as frozen, typed models, loaded once at the edge.

What belongs here: the grammar, and the checks that need only the parameters themselves. What does not: anything that looks
at data. The grammar is documented in ``docs/params.md``; keys are added, never given another meaning.
"""

from pathlib import Path

import yaml
from pydantic import Field, model_validator
from pydantic import ValidationError as PydanticError

from tasks.errors import ParameterError
from tasks.params.base import EDITION, Section, split_reference, stated
from tasks.params.features import FeaturesParams
from tasks.params.fitting import fitted_here, refuse_later_strata, require_parts
from tasks.params.judging import (
    DiscoveredCriterion,
    DriftCriterion,
    EvaluationParams,
    EvidenceCriterion,
    GatesParams,
    MeasuredCriterion,
    ParityCriterion,
)
from tasks.params.masking import MaskingParams
from tasks.params.masking_rules import SuppressRule
from tasks.params.models import SAMPLE_WEIGHT, LabelParams, LoggedScores, ModelsParams
from tasks.params.refresh import RefreshParams
from tasks.params.snapshot import SnapshotParams
from tasks.params.splits import ALL_FOLDS, SplitParams

__all__ = ["EDITION", "Params", "load_params", "stated"]


class Params(Section):
    """The whole of ``params.yaml``; every cross-reference in it has been followed."""

    schema_version: int = Field(ge=1, le=1)
    seed: int = Field(ge=0)
    snapshot: SnapshotParams
    masking: MaskingParams
    label: LabelParams
    splits: dict[str, SplitParams] = Field(min_length=1)
    features: FeaturesParams
    models: ModelsParams
    evaluation: EvaluationParams
    gates: GatesParams
    refresh: RefreshParams = RefreshParams()

    @model_validator(mode="after")
    def _references_exist(self) -> "Params":
        self._masking_names_declared_columns()
        self._columns_named_elsewhere_are_declared()
        self._logged_scores_fit_the_task()
        require_parts(self.splits, self.evaluation, self.models)
        self._criteria_can_be_judged()
        return self

    def _has_column(self, reference: str) -> bool:
        table, column = split_reference(reference)
        return table in self.snapshot.tables and column in self.snapshot.tables[table].columns

    def _masking_names_declared_columns(self) -> None:
        for table, policy in self.masking.tables.items():
            if table not in self.snapshot.tables:
                raise ValueError(f"masking.tables.{table}: no such table in snapshot.tables")
            for column in policy.named_columns:
                if not self._has_column(f"{table}.{column}"):
                    raise ValueError(f"masking.tables.{table}.{column}: no such column in snapshot.tables.{table}.columns")
            declared = self.snapshot.tables[table]
            if policy.suppress is not None:
                self._suppression_leaves_rows_whole(table, policy.suppress)
            for column in policy.columns:
                if column in (declared.time, declared.known) and policy.columns[column].transform == "date_shift":
                    raise ValueError(f"masking.tables.{table}.{column}: date_shift would move the table's time or known column")
        for domain, references in self.masking.domains.items():
            for reference in references:
                if not self._has_column(reference):
                    raise ValueError(f"masking.domains.{domain}: no such column {reference!r} in snapshot.tables")

        for reference in self.masking.limits.quasi:
            if not self._has_column(reference):
                raise ValueError(f"masking.limits.quasi: no such column {reference!r} in snapshot.tables")

    def _suppression_leaves_rows_whole(self, table: str, rule: SuppressRule) -> None:
        declared = self.snapshot.tables[table]
        if rule.what == "rows" and table in (self.features.rows, self.label.table):
            raise ValueError(f"masking.tables.{table}.suppress: splits and labels need all rows of this table; take what: cells")
        for column in rule.columns:
            if rule.what == "cells" and column in (*declared.key, declared.time, declared.known):
                raise ValueError(f"masking.tables.{table}.suppress: {column} is of the table's key, time or known; rows need it")

    def _columns_named_elsewhere_are_declared(self) -> None:
        if self.features.rows not in self.snapshot.tables:
            raise ValueError(f"features.rows: no such table {self.features.rows!r} in snapshot.tables")
        references = {f"features.columns.{n}": f.source for n, f in self.features.columns.items() if "." in f.source}
        references["features.at.column"] = f"{self.features.rows}.{self.features.at.column}"
        references["label.column"] = f"{self.label.table}.{self.label.column}"
        references["label.known"] = f"{self.label.table}.{self.label.known}"
        for column in self.evaluation.slices:
            references[f"evaluation.slices.{column}"] = f"{self.features.rows}.{column}"
        for column in self.evaluation.discover.columns if self.evaluation.discover else ():
            references[f"evaluation.discover.columns.{column}"] = f"{self.features.rows}.{column}"
        if self.evaluation.weight is not None:
            references["evaluation.weight"] = f"{self.features.rows}.{self.evaluation.weight}"
        champion = self.models.champion
        if isinstance(champion, LoggedScores):
            references |= {f"models.champion.scores: {reference}": reference for reference in champion.columns}
            if champion.version is not None:
                references["models.champion.version"] = champion.version
        for role, model in fitted_here(self.models).items():
            if model.weight is not None:
                references[f"models.{role}.weight"] = f"{self.features.rows}.{model.weight}"
                if SAMPLE_WEIGHT in self.features.names:
                    raise ValueError(f"models.{role}.weight: a feature is called {SAMPLE_WEIGHT} already, as the weights are")
        refuse_later_strata(self.splits, self.label, self.features.rows, self.snapshot.tables[self.features.rows].columns)
        for name, split in self.splits.items():
            references |= {f"splits.{name}: {column}": f"{self.features.rows}.{column}" for column in split.columns}
        for where, reference in references.items():
            if not self._has_column(reference):
                raise ValueError(f"{where}: no such column {reference!r} in snapshot.tables")

    def _logged_scores_fit_the_task(self) -> None:
        champion = self.models.champion
        if not isinstance(champion, LoggedScores):
            return
        if self.label.task == "multiclass" and len(champion.classes) < 2:
            raise ValueError("models.champion.scores: a multiclass label needs a column per class, {class: table.column, ...}")
        if self.label.task != "multiclass" and champion.classes:
            raise ValueError(f"models.champion.scores: a {self.label.task} label has one column of scores, table.column")

    def _criteria_can_be_judged(self) -> None:
        evidence = [c for c in self.gates.criteria.values() if isinstance(c, EvidenceCriterion)]
        if not any(c.evidence == "validation" and c.critical for c in evidence):
            raise ValueError(
                "gates.criteria: one must be {evidence: validation, critical: true}, or invalid data could be promoted"
            )
        for name, criterion in self.gates.criteria.items():
            if isinstance(criterion, EvidenceCriterion | MeasuredCriterion):
                continue
            if isinstance(criterion, DriftCriterion):
                self._drift_can_be_judged(name, criterion)
                continue
            if isinstance(criterion, DiscoveredCriterion):
                try:
                    criterion.require_search(self.evaluation)
                except ValueError as error:
                    raise ValueError(f"gates.criteria.{name}.{error}") from None
                continue
            key, metric = ("parity", criterion.parity) if isinstance(criterion, ParityCriterion) else ("metric", criterion.metric)
            if criterion.slice and criterion.slice not in self.evaluation.slices:
                raise ValueError(f"gates.criteria.{name}.slice: {criterion.slice!r} is not in evaluation.slices")
            if metric not in self.evaluation.metrics:
                raise ValueError(f"gates.criteria.{name}.{key}: {metric!r} is not in evaluation.metrics")
            try:
                criterion.require_method(self.evaluation.interval, self.evaluation.weight)
            except ValueError as error:
                raise ValueError(f"gates.criteria.{name}.{error}") from None

    def _drift_can_be_judged(self, name: str, criterion: DriftCriterion) -> None:
        if self.evaluation.part == ALL_FOLDS:
            raise ValueError(f"gates.criteria.{name}.drift: where all folds are judged there are no other rows to compare with")
        for feature in criterion.features:
            if feature not in self.features.names:
                raise ValueError(f"gates.criteria.{name}.features: no such feature {feature!r}")


class _NoDuplicateKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; a threshold given twice must be an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_params(path: Path) -> Params:
    """Read ``path`` (YAML) into :class:`Params`.

    Raises :class:`~tasks.errors.ParameterError` naming the first key that is missing, unknown, of a wrong type, or refers
    to something that is not declared.
    """
    expected = "a params.yaml as described in docs/params.md"
    try:
        content = yaml.load(path.read_bytes(), Loader=_NoDuplicateKeys)  # noqa: S506 - a SafeLoader subclass
    except FileNotFoundError:
        raise ParameterError(
            str(path), found="no such file", expected=expected, next_step="change to the project's folder"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        raise ParameterError(str(path), found=found, expected=expected, next_step="mend the YAML at that line") from None
    try:
        params = Params.model_validate(content)
    except PydanticError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        said = f"{first['msg'].removeprefix('Value error, ')}{others}"
        found, mended = (f"{where}: {said}", f"{where} in {path.name}") if where else (said, f"that in {path.name}")
        raise ParameterError(str(path), found=found, expected=expected, next_step=f"mend {mended}") from None
    params.masking.read_lists(path.parent)
    return params
