"""``windtunnel gate backtest``: what the criteria would have decided, period by period, and what that was worth.

What belongs here: wiring the capabilities for a walk through history. What does not: periods, margins and counting
(``tasks.backtesting``). Only rows of parts that lie before the judged one can be read (of folds: those that the verdict does not
judge), so that no look is spent. Nothing is written.

At the end of each period the challenger's recipe is fitted on the rows whose label was known when the period began, and judged
against production on the period's rows whose label was known when it ended; the period after it shows, by its figures, whether a
critical limit was broken. More candidates are decided on at each step: the recipe fitted anew against itself as it was fitted a
period before, which is what a refresh releases; and both the other way round, so that there are releases that must not pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from tasks.backtest_history import History, open_history
from tasks.backtesting import (
    SCALES,
    Period,
    Step,
    Unit,
    choose_unit,
    cut_periods,
    is_good_release,
    plan_steps,
    scale_margins,
    tally,
)
from tasks.errors import GateError, WindtunnelError
from tasks.evaluation import Contender, Contest, PartRows, hold_contest, summarise
from tasks.gates import decide, judge_criteria
from tasks.gates.bounds import lies_beyond
from tasks.models import Brought, add_weights, train_recipe, training_seed
from tasks.models.challengers import Role
from tasks.params import Params
from tasks.params.judging import GatesParams, MetricCriterion
from tasks.params.models import LoggedScores, Recipe
from tasks.paths import ProjectPaths
from tasks.records import Backtest, BacktestCandidate, BacktestDecision, Comparison, Decision, Evaluation
from tasks.seeds import derive_seed

Tell = Callable[[str, int, int], None]
_FEWEST_REPLICATES = 100


@dataclass(frozen=True)
class _Rivals:
    """Who is judged against whom, on the rows of one period and on those of the next."""

    candidate: BacktestCandidate
    judged: Contest | str
    """Or why it cannot be held."""
    live: Contest | str


def backtest_gate(paths: ProjectPaths, params: Params, unit: Unit | None, tell: Tell) -> Backtest:
    """Walk through history by ``unit`` (None: the longest that gives two decisions); ``tell`` hears how far it got.

    Raises :class:`~tasks.errors.GateError` where there is no critical criterion on a metric, no recipe to fit, or history enough
    for no decision; :class:`~tasks.errors.EvidenceError` where the project has not been run.
    """
    history = open_history(paths, params)
    chosen = unit or choose_unit(history.days)
    periods = cut_periods(history.days, chosen)
    steps = tuple(step for step in plan_steps(periods, chosen) if history.is_judged(step.judged))
    if not steps:
        raise GateError(
            "history before the judged part",
            found=f"{len(periods)} periods ({chosen}), none of which can be judged",
            expected="three: one to fit on, one with labels and scores to judge, and one that shows what came of it",
            next_step="windtunnel gate backtest --period day, or a split by time whose judged part begins later",
        )
    decisions: list[BacktestDecision] = []
    scaled: dict[float, list[tuple[BacktestDecision, Decision]]] = {scale: [] for scale in SCALES}
    before: Contender | None = None
    for done, step in enumerate(steps):
        tell(f"deciding at the end of {step.judged.name}", done, len(steps))
        fitted = history.known_before(step.fitted_until)
        models = _fit_all(history, fitted)
        for rivals in _pair_up(history, step, models, before):
            decision, by_scale = _decide(history, step, rivals, fitted.facts.num_rows)
            decisions.append(decision)
            for scale, found in by_scale.items():
                scaled[scale].append((decision, found))
        before = None if isinstance(models, str) else models["challenger"]
    tell("done", len(steps), len(steps))
    return Backtest(
        period=chosen,
        split=history.evidence.split,
        parts=tuple(sorted(set(history.evidence.parts.column("part").unique().to_pylist()))),
        metric=_headline(history.params),
        decisions=tuple(decisions),
        margins=tuple(tally(scale, found) for scale, found in scaled.items()),
        note=history.note,
    )


def _fit_all(history: History, rows: PartRows) -> dict[Role, Contender] | str:
    """Every model that is fitted here, on ``rows``; or why one cannot be."""
    try:
        return {role: _fit(history, recipe, rows, role) for role, recipe in _recipes(history.params).items()}
    except WindtunnelError as error:
        return f"{error.thing}: {error.found}"


def _pair_up(history: History, step: Step, models: dict[Role, Contender] | str, before: Contender | None) -> Iterator[_Rivals]:
    """The challenger against production, and against itself as it was fitted a period ``before``; each the other way round too."""
    rows = (history.within(step.judged, known_by=step.decided_at), history.within(step.live))
    if isinstance(models, str):
        yield _Rivals("challenger", models, models)
        return
    declared, challenger = history.params.models.champion, models["challenger"]
    champion = declared if isinstance(declared, LoggedScores) else models.get("champion")
    judged, live = (_hold(history, found, champion, challenger) for found in rows)
    yield _Rivals("challenger", judged, live)
    if champion is not None:
        yield _Rivals("swapped", _swapped(judged), _swapped(live))
    if before is not None:
        card = before.card.model_copy(update={"role": "champion"})
        judged, live = (_hold(history, found, replace(before, card=card), challenger) for found in rows)
        yield _Rivals("refit", judged, live)
        yield _Rivals("stale", _swapped(judged), _swapped(live))


def _decide(history: History, step: Step, rivals: _Rivals, fitted_rows: int) -> tuple[BacktestDecision, dict[float, Decision]]:
    """The decision on ``rivals``, and what margins of every scale would have decided."""
    gates = history.params.gates
    now = _measure(history, rivals.judged, step.judged)
    later = _measure(history, rivals.live, step.live, replicates=_FEWEST_REPLICATES)
    found, stopped_by = _judge(gates, now)
    decision = BacktestDecision(
        candidate=rivals.candidate,
        judged=step.judged.name,
        live=step.live.name,
        fitted_rows=fitted_rows,
        judged_rows=0 if isinstance(now, str) else now.rows,
        live_rows=0 if isinstance(later, str) else later.rows,
        decision=found,
        stopped_by=stopped_by,
        judged_delta=_headline_delta(history.params, now),
        live_delta=_headline_delta(history.params, later),
        is_good=None if isinstance(later, str) else is_good_release(gates, later.comparisons, _is_beyond),
    )
    return decision, {scale: _judge(scale_margins(gates, scale), now)[0] for scale in SCALES}


def _recipes(params: Params) -> dict[Role, Recipe]:
    """What is fitted at each step; production's logged scores are not."""
    declared = {"champion": params.models.champion, "challenger": params.models.challenger}
    return {role: recipe for role, recipe in declared.items() if isinstance(recipe, Recipe)}  # type: ignore[misc]


def _fit(history: History, recipe: Recipe, rows: PartRows, role: Role) -> Contender:
    params, evidence = history.params, history.evidence

    def read(_: Recipe) -> tuple[tuple[str, ...], pa.Table]:
        known = rows.features.append_column("label", rows.facts.column("label"))
        if recipe.weight is not None:
            table = params.features.rows
            key = params.snapshot.tables[table].key
            known = add_weights(known, recipe.weight, evidence.paths.masked, evidence.masked, table=table, key=key)
        return ("known",), known

    features, task = params.features.names, params.label.task
    model, card = train_recipe(recipe, evidence.paths.root, read, features, seed=training_seed(params.seed), role=role, task=task)
    brought = Brought(card, model)
    return Contender(card, lambda scored: brought.score(scored, task))


def _hold(history: History, rows: PartRows, champion: Contender | LoggedScores | None, challenger: Contender) -> Contest | str:
    """Both scored on ``rows``, or why they cannot be."""
    try:
        return hold_contest(rows, champion, challenger, history.params.label.task)
    except WindtunnelError as error:
        return f"{error.thing}: {error.found}"


def _measure(history: History, contest: Contest | str, period: Period, *, replicates: int | None = None) -> Evaluation | str:
    if isinstance(contest, str):
        return contest
    params = history.params
    if replicates is not None:
        interval = params.evaluation.interval.model_copy(update={"replicates": replicates})
        params = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"interval": interval})})
    try:
        return summarise(
            contest,
            params,
            split=history.evidence.split,
            part=period.name,
            known_slices=history.known_slices,
            inputs={},
            seed=derive_seed(params.seed, "evaluation"),
            own=history.own,
        )
    except WindtunnelError as error:
        return f"{error.thing}: {error.found}"


def _swapped(contest: Contest | str) -> Contest | str:
    """The roles turned round: each one's scores under the other's name."""
    if isinstance(contest, str):
        return contest
    turned = {"champion": "challenger", "challenger": "champion"}
    names = [
        next((turned[role] + name.removeprefix(role) for role in turned if name.startswith(f"{role}_score")), name)
        for name in contest.predictions.column_names
    ]
    champion = contest.champion or contest.challenger
    return replace(contest, predictions=contest.predictions.rename_columns(names), champion=contest.challenger, challenger=champion)


def _judge(gates: GatesParams, found: Evaluation | str) -> tuple[Decision, tuple[str, ...]]:
    """The decision, and what did not pass."""
    if isinstance(found, str):
        return "not_judged", (found,)
    outcomes = judge_criteria(found, {}, gates)
    return decide(outcomes), tuple(outcome.name for outcome in outcomes if outcome.status != "pass")


def _is_beyond(criterion: MetricCriterion, found: Comparison) -> bool:
    limits = {"bound": criterion.bound, "margin": criterion.margin, "relative_margin": criterion.relative_margin}
    return lies_beyond(found, **limits, better_by=criterion.better_by)


def _headline(params: Params) -> str:
    return next(c.metric for c in params.gates.criteria.values() if isinstance(c, MetricCriterion))


def _headline_delta(params: Params, found: Evaluation | str) -> float | None:
    if isinstance(found, str):
        return None
    return next((c.delta for c in found.comparisons if c.metric == _headline(params) and c.slice_column is None), None)
