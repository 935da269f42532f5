"""``windtunnel gate fool``: the cheapest cheat through the project's own criteria, and what stops it.

What belongs here: holding each cheat (``tasks.adversary``) against the criteria. What does not: the checks that shut the doors it
could come in by (``tasks.fooling_doors``), the cheats, the criteria, and other gates' rules (``benchmarks``).

A bad model is made of the challenger: so many of its scores are shuffled among rows that it lies beyond the limit of a critical
criterion. Every cheat wants to get this model through. Each attempt is measured on the predictions of the last verdict, by the code
that judges, under the critical criteria on figures with all their replicates. That pair of candidate and holdout has been paid for;
the planted models are no candidates, none of their figures or seeds is told, and no look is spent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tasks.adversary import Cheat, Sheet, open_sheet, plan_cheats, worsen
from tasks.errors import EvaluationError, GateError
from tasks.evaluation import compare, count_draws, load_metrics, score_columns
from tasks.evaluation.discovery import Limits, discover
from tasks.evaluation.sample import Metric
from tasks.fooling_doors import Guarded, shut_door
from tasks.gates import asked_by, judge_criteria, later_gates
from tasks.gates.bounds import lies_beyond
from tasks.params import Params
from tasks.params.judging import EvaluationParams, EvidenceCriterion, GatesParams, MeasuredCriterion, MetricCriterion
from tasks.paths import ProjectPaths
from tasks.records import CheatOutcome, Comparison, CriterionOutcome, DoorTried, Evaluation, FoolReport
from tasks.seeds import derive_seed
from tasks.stages.gate import read_declared_evaluation, read_predictions

_HALVINGS = 6
"""Of the share of worthless scores: the bad model lies beyond its limit by a 64th of the rows at most."""
_FEWEST_REPLICATES = 100
_NAMED = 3
NOTE = (
    "Measured on the predictions of the last verdict, whose look was paid; the planted models are no candidates, none of their "
    "figures is told, and no look was spent."
)


@dataclass(frozen=True)
class Bench(Guarded):
    """What attempts are judged by."""

    gates: GatesParams
    """The critical criteria on figures alone."""
    asked: EvaluationParams
    seed: int
    own: Mapping[str, Metric]
    """The user's own metrics."""

    def measure(self, sheet: Sheet, replicates: int | None = None, seed: int | None = None) -> Evaluation:
        """The evaluation of ``sheet``; slices that are gone are missing, withheld ones stay so, and noise is what was measured.

        ``seed``: of the draws, in place of the project's own.
        """
        asked = self.asked
        if replicates is not None:
            asked = asked.model_copy(update={"interval": asked.interval.model_copy(update={"replicates": replicates})})
        seed = derive_seed(self.params.seed if seed is None else seed, "evaluation")
        found = compare(sheet.rows, asked, seed, sheet.task, sheet.classes, draws=len(sheet.challenger), own=self.own)
        stored = {_key(c): c for c in self.evaluation.comparisons}
        comparisons = tuple(_beside(stored.get(_key(c)), c) for c in found)
        present = {f"{c.slice_column}={c.slice_value}" for c in comparisons}
        known = {f"{c.slice_column}={c.slice_value}" for c in self.evaluation.comparisons if c.slice_column in asked.slices}
        missing = tuple(sorted({*self.evaluation.missing_slices, *(known - present)}))
        update: dict[str, object] = {"comparisons": comparisons, "missing_slices": missing, "rows": sheet.count}
        if asked.discover is not None:  # no slice is told to anyone, so that nothing is held against what is published
            labelled, limits = (sheet.task, sheet.classes), Limits((), self.params.masking.limits.k)
            update["discovery"] = discover(sheet.rows, asked, seed, labelled, limits, draws=len(sheet.challenger), own=self.own)
        return self.evaluation.model_copy(update=update)

    def judge(self, sheet: Sheet, *, is_later: bool = False, seed: int | None = None) -> tuple[CriterionOutcome, ...]:
        """The outcomes of the criteria on ``sheet``; ``is_later``: as those of a candidate that is not the first on the holdout."""
        found = self.measure(sheet, seed=seed)
        return judge_criteria(found, {}, later_gates(self.gates, found) if is_later else self.gates, is_later=is_later)


def _key(found: Comparison) -> tuple[str, str | None, str | None]:
    return found.metric, found.slice_column, found.slice_value


def _beside(stored: Comparison | None, found: Comparison) -> Comparison:
    """``found`` as the verdict would have it: withheld where ``stored`` is, and over the same noise."""
    if stored is None or stored.is_withheld:
        return stored or found
    return found.model_copy(update={"noise_floor": stored.noise_floor})


def fool_gate(paths: ProjectPaths, params: Params, tell: Callable[[str, int, int], None]) -> FoolReport:
    """Try every cheat on the predictions of the last verdict.

    ``tell`` hears each cheat's name, how many are done, and how many there are. Raises :class:`~tasks.errors.GateError` where there
    is no evaluation of these parameters with its predictions, no critical criterion on a figure, or no bad model that would lie
    beyond one.
    """
    bench, good = open_bench(paths, params)
    bad_share, bad = make_bad(bench, good)
    cheats = plan_cheats(good, bad_share=bad_share, looks=params.gates.looks.budget)
    outcomes = []
    for done, cheat in enumerate(cheats):
        tell(cheat.name, done, len(cheats))
        outcomes.append(_try_cheat(bench, cheat, good, bad))
    tell("done", len(cheats), len(cheats))
    evaluation = bench.evaluation
    return FoolReport(
        split=evaluation.split,
        part=evaluation.part,
        rows=evaluation.rows,
        bad_share=bad_share,
        looks=params.gates.looks.budget,
        cheats=tuple(outcomes),
        note=NOTE,
    )


def open_bench(paths: ProjectPaths, params: Params) -> tuple[Bench, Sheet]:
    """What attempts are judged by, and the predictions of the last verdict; raises as :func:`fool_gate` does."""
    evaluation = read_declared_evaluation(paths, params)
    found = read_predictions(paths, evaluation)
    if found is None:
        raise GateError(
            str(paths.predictions),
            found="no predictions, or others than were evaluated",
            expected="those of the last evaluation, to cheat with",
            next_step="windtunnel run, or dvc pull",
        )
    rows, classes = found
    others = EvidenceCriterion | MeasuredCriterion  # of reports and of one model: no score of another has any
    on_figures = {n: c for n, c in params.gates.criteria.items() if c.critical and not isinstance(c, others)}
    if not on_figures:
        raise GateError(
            "gates.criteria",
            found="no critical criterion on a metric",
            expected="one that a cheat would have to get through",
            next_step="name one in params.yaml; as it is, any model passes",
        )
    gates = params.gates.model_copy(update={"criteria": on_figures})
    seed = derive_seed(params.seed, "fool")
    asked = asked_by(gates, params.evaluation)
    bench = Bench(paths, params, evaluation, rows, gates, asked, seed, load_metrics(asked.functions, paths.root))

    def columns(role: str) -> tuple[str, ...]:
        return score_columns(role, evaluation.task, len(classes))

    return bench, open_sheet(rows, evaluation.task, classes, columns, count_draws(rows))


def make_bad(bench: Bench, good: Sheet) -> tuple[float, Sheet]:
    """About the least share of worthless scores with which the challenger lies beyond a critical limit, and the challenger so."""

    def worsened(share: float) -> Sheet:
        return worsen(good, good.challenger, share, np.random.default_rng(bench.seed))

    if not _is_bad(bench, worsened(1.0)):
        raise GateError(
            "gates.criteria",
            found="no critical limit that a challenger with worthless scores lies beyond",
            expected="a criterion that a bad model fails",
            next_step="tighten a bound or a margin in params.yaml",
        )
    too_good, share = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (too_good + share) / 2
        too_good, share = (too_good, middle) if _is_bad(bench, worsened(middle)) else (middle, share)
    return share, worsened(share)


def _is_bad(bench: Bench, sheet: Sheet) -> bool:
    """Whether a figure of ``sheet`` lies beyond a critical limit."""
    measured = bench.measure(sheet, _FEWEST_REPLICATES)
    return any(
        lies_beyond(found, bound=c.bound, margin=c.margin, relative_margin=c.relative_margin, better_by=c.better_by)
        for c in bench.gates.criteria.values()
        if isinstance(c, MetricCriterion)
        for found in measured.comparisons
        if found.metric == c.metric and found.slice_column == c.slice and found.rows >= c.min_rows and not found.is_withheld
    )


def _try_cheat(bench: Bench, cheat: Cheat, good: Sheet, bad: Sheet) -> CheatOutcome:
    """The first attempt that all criteria pass, and what then shuts each door."""
    tried: list[float] = []
    failing: tuple[str, ...] = ()
    for cost, sheet in attempt_sheets(bench, cheat, good, bad):
        tried.append(cost)
        seed = derive_seed(bench.seed, f"{cheat.name} {cost:g}") if cheat.draws_anew else None
        try:
            outcomes = bench.judge(sheet, is_later=cheat.spends_looks and len(tried) > 1, seed=seed)
        except EvaluationError as error:
            failing = (f"{error.thing}: {error.found}",)
            continue
        if all(outcome.status == "pass" for outcome in outcomes):
            doors = tuple(DoorTried(door=door, stopped_by=shut_door(bench, door, sheet)) for door in cheat.doors)
            return _outcome(cheat, tried, cost, (), doors)
        failing = tuple(f"{outcome.name}: {outcome.status}" for outcome in outcomes if outcome.status != "pass")
    return _outcome(cheat, tried, None, failing[:_NAMED], ())


def attempt_sheets(bench: Bench, cheat: Cheat, good: Sheet, bad: Sheet) -> Iterator[tuple[float, Sheet]]:
    """Each attempt's cost, and the predictions that it comes to: of the bad model, or of scores as good as the champion's."""
    start = bad
    if cheat.is_of_good_model:
        start = _with_champions_scores(good) if good.champion else good
    random = np.random.default_rng(derive_seed(bench.seed, cheat.name))
    for cost, attempt in cheat.attempts:
        yield cost, attempt(start, random)


def _outcome(
    cheat: Cheat, tried: list[float], cheapest: float | None, criteria: tuple[str, ...], doors: tuple[DoorTried, ...]
) -> CheatOutcome:
    return CheatOutcome(
        name=cheat.name, how=cheat.how, unit=cheat.unit, tried=tuple(tried), cheapest=cheapest, criteria=criteria, doors=doors
    )


def _with_champions_scores(sheet: Sheet) -> Sheet:
    """The champion as challenger: as good as it is, whatever the figures."""
    rows = sheet.rows
    for place, names in enumerate(sheet.challenger):
        theirs = sheet.champion[min(place, len(sheet.champion) - 1)]
        for name, source in zip(names, theirs, strict=True):
            rows = rows.set_column(rows.column_names.index(name), name, rows.column(source))
    return replace(sheet, rows=rows)
