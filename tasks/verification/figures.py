"""Every figure of a verdict made again from the per-row predictions, and these from the stored models.

What belongs here: predictions, figures and verdict, each against what is stored. What does not: hashes of what they rest on
(``hashes``). The same code that judged judges again: a difference is one of data, never of rules.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.datasets import MANIFEST, logical_hash, read_manifest, read_table
from tasks.errors import WindtunnelError
from tasks.evaluation import Contest, open_evidence
from tasks.records import Check, Evaluation, Verdict
from tasks.stages import StageContext
from tasks.stages.evaluate import Judged, read_judged, record_evaluation
from tasks.stages.gate import judge_project
from tasks.verification.older import tell_as_before

_TOLERANCE = 1e-9
"""How far two machines' arithmetic may be apart, relative to the figure (or to 1 for smaller ones)."""
_NAMED = 3
_KEPT_LATER = re.compile(r"criteria/\d+/seed|discovery/(replicates|rows_for_one)|drift/features/\d+/variance_ratio")
"""What verdicts and evaluations of before do not name, and which decides nothing: that it is not there is no difference."""


def check_figures(context: StageContext, content: bytes) -> tuple[Check, ...]:
    """Score the judged rows again by the stored models, measure the stored predictions again, and judge again.

    ``content`` are the verdict's bytes. What cannot be made again is ``not_checked``, with what was missing.
    """
    return (*_check_predictions(context), _check_verdict(context, content))


def _check_predictions(context: StageContext) -> Iterator[Check]:
    paths, params = context.paths, context.params
    split = params.evaluation.split
    try:
        judged = read_judged(open_evidence(paths, split, params.splits[split].part_names), params)
        contest = judged.contest(params.label.task)
        manifest = read_manifest(paths.predictions, made_by="evaluate")
        stored = read_table(paths.predictions, manifest, "predictions")
        written = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="evaluation.json")
    except (WindtunnelError, OSError) as error:
        told = (
            f"{error.thing}: {error.found}"
            if isinstance(error, WindtunnelError)
            else "data/evaluation/evaluation.json cannot be read"
        )
        for what in ("judged rows", "predictions of the models", "figures"):
            yield Check(what=what, status="not_checked", reason=told)
        return
    yield _check_holdout(judged, written)
    if sorted(stored.column_names) != sorted(contest.predictions.column_names):
        told = "other columns than the judged part and its models give"
        yield Check(what="predictions of the models", status="does_not_hold", reason=told)
        return
    stored = stored.sort_by("row_key")
    yield check_predictions(stored, contest.predictions)
    yield _check_figures(context, judged, replace(contest, predictions=stored), manifest.logical_hash, written)


def _check_holdout(judged: Judged, written: Evaluation) -> Check:
    if written.inputs.get("holdout") != judged.holdout:
        told = "times and labels of the split's part are others than those that were judged"
        return Check(what="judged rows", status="does_not_hold", reason=told)
    return Check(what="judged rows", status="holds", reason=f"{judged.rows.facts.num_rows:,} rows of the part that was judged")


def check_predictions(stored: pa.Table, scored: pa.Table) -> Check:
    """Whether the stored predictions are those of the stored models (and of production's log) on the judged rows."""
    what = "predictions of the models"
    if not stored.column("row_key").equals(scored.column("row_key")):
        return Check(what=what, status="does_not_hold", reason="other rows than the judged part has")
    stored = stored.select(scored.column_names)
    if logical_hash(stored, ("row_key",)) == logical_hash(scored, ("row_key",)):
        return Check(what=what, status="holds", reason=f"{scored.num_rows:,} rows scored again, each score the same")
    others = [told for name in scored.column_names if (told := _differing(name, stored.column(name), scored.column(name)))]
    if others:
        return Check(what=what, status="does_not_hold", reason="; ".join(others[:_NAMED]))
    return Check(what=what, status="holds", reason=f"{scored.num_rows:,} rows scored again, each score the same to {_TOLERANCE:g}")


def _differing(name: str, stored: pa.ChunkedArray, scored: pa.ChunkedArray) -> str:
    """In how many rows two columns differ; empty where they do not. Of other columns than numbers any difference counts."""
    if not pa.types.is_floating(scored.type):
        return "" if stored.cast(scored.type).equals(scored) else f"{name} differs"
    here, again = stored.cast(pa.float64()).to_numpy(), scored.to_numpy()
    is_other = ~np.isclose(here, again, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True)
    return f"{name} differs in {int(is_other.sum()):,} of {len(again):,} rows" if is_other.any() else ""


def _check_figures(context: StageContext, judged: Judged, contest: Contest, predictions: str, written: Evaluation) -> Check:
    """Whether the evaluation's figures are those of the stored predictions."""
    try:
        again = record_evaluation(judged, contest, context.params, predictions)
    except WindtunnelError as error:
        return Check(what="figures", status="does_not_hold", reason=f"{error.thing}: {error.found}")
    others = list(_differences(written.model_dump(mode="json"), again.model_dump(mode="json"), Path()))
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        told = f"evaluation.json says otherwise than its predictions: {', '.join(others[:_NAMED])}{more}"
        return Check(what="figures", status="does_not_hold", reason=told)
    return Check(what="figures", status="holds", reason=f"{len(written.comparisons):,} comparisons measured again")


def _differences(written: object, again: object, where: Path) -> Iterator[str]:
    """The places at which two JSON values differ by more than the tolerance."""
    if isinstance(written, dict) and isinstance(again, dict):
        for name in sorted({*written, *again}):
            if written.get(name) is not None or not _KEPT_LATER.fullmatch((where / name).as_posix()):
                yield from _differences(written.get(name), again.get(name), where / name)
    elif isinstance(written, list) and isinstance(again, list) and len(written) == len(again):
        for place, (one, other) in enumerate(zip(written, again, strict=True)):
            yield from _differences(one, other, where / str(place))
    elif isinstance(written, float) and isinstance(again, float):
        if not math.isclose(written, again, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            yield where.as_posix()
    elif written != again:
        yield where.as_posix()


def _check_verdict(context: StageContext, content: bytes) -> Check:
    """Whether the verdict is what evaluation, reports and criteria come to; they are held against planted failures again."""
    if not (context.paths.predictions / MANIFEST).is_file():
        return Check(what="verdict", status="not_checked", reason="the predictions, in which failures are planted, are not here")
    try:
        written = Verdict.from_json(content, origin="verdict.json")
        again = judge_project(context)
    except WindtunnelError as error:
        return Check(what="verdict", status="does_not_hold", reason=f"{error.thing}: {error.found}")
    # Which packages judged is a check of its own: with others the same figures may come out, and a champion may be gone back to.
    told = tell_as_before(written, again)
    was, now = (found.model_dump(mode="json", exclude={"environment"}) for found in (written, told))
    others = list(_differences(was, now, Path()))
    if others or written.decision != again.decision:
        why = f"it says {written.decision}, and its evidence comes to {again.decision}; it differs in {', '.join(others[:_NAMED])}"
        return Check(what="verdict", status="does_not_hold", reason=why)
    return Check(what="verdict", status="holds", reason=f"judged again: {again.decision}, {len(again.criteria)} outcomes")
