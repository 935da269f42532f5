"""``windtunnel gate backtest``: what the criteria would have decided, period by period, and what that was worth.

What belongs here: wiring the capabilities for a walk through history. What does not: periods, margins and counting
(``tasks.backtesting``). Only rows of parts that lie before the judged one can be read (of folds: those that the verdict does not
judge), so that no look is spent. Nothing is written.

At the end of each period the challenger's recipe is fitted on the rows whose label was known when the period began, and judged
against production on the period's rows whose label was known when it ended; the period after it shows, by its figures, whether a
critical limit was broken. More candidates are decided on at each step: the recipe fitted anew against itself as it was fitted a
period before, which is what a refresh releases; and both the other way round, so that there are releases that must not pass.
Where a criterion claims to be better, each recipe is fitted at each step with another seed too, for the noise floor of the rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tasks.backtest_fits import Fits, fit_all
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
from tasks.evaluation import Contender, Contest, PartRows, hold_contest, score_refit, summarise
from tasks.gates import decide, judge_criteria
from tasks.gates.bounds import lies_beyond
from tasks.models.challengers import Role
from tasks.params import Params
from tasks.params.judging import GatesParams, MetricCriterion
from tasks.params.models import LoggedScores
from tasks.paths import ProjectPaths
from tasks.records import Backtest, BacktestCandidate, BacktestDecision, Comparison, Decision, Evaluation
from tasks.seeds import derive_seed

Tell = Callable[[str, int, int], None]
_FEWEST_REPLICATES = 100
_TURNED: dict[Role, Role] = {"champion": "challenger", "challenger": "champion"}


@dataclass(frozen=True)
class _Rivals:
    """Who is judged against whom, on the rows of one period and on those of the next."""

    candidate: BacktestCandidate
    judged: Contest | str
    """Or why it cannot be held."""
    live: Contest | str
    again: tuple[Role, Contender] | None = None
    """Whose noise floor is measured, and the refit that it is measured with; None where nobody asks for one."""


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
        fits = fit_all(history, fitted)
        for rivals in _pair_up(history, step, fits, before):
            decision, by_scale = _decide(history, step, rivals, fitted.facts.num_rows)
            decisions.append(decision)
            for scale, found in by_scale.items():
                scaled[scale].append((decision, found))
        before = None if isinstance(fits, str) else fits.models["challenger"]
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


def _pair_up(history: History, step: Step, fits: Fits | str, before: Contender | None) -> Iterator[_Rivals]:
    """The challenger against production, and against itself as it was fitted a period ``before``; each the other way round too."""
    rows = (history.within(step.judged, known_by=step.decided_at), history.within(step.live))
    if isinstance(fits, str):
        yield _Rivals("challenger", fits, fits)
        return
    declared, challenger = history.params.models.champion, fits.models["challenger"]
    champion = declared if isinstance(declared, LoggedScores) else fits.models.get("champion")
    judged, live = (_hold(history, found, champion, challenger) for found in rows)
    # As in a run: the champion's recipe where it has one, else the challenger's.
    own: Role = "champion" if "champion" in fits.again else "challenger"
    yield _Rivals("challenger", judged, live, _refit(fits, own, own))
    if champion is not None:
        yield _Rivals("swapped", _swapped(judged), _swapped(live), _refit(fits, own, _TURNED[own]))
    if before is not None:
        card = before.card.model_copy(update={"role": "champion"})
        judged, live = (_hold(history, found, replace(before, card=card), challenger) for found in rows)
        yield _Rivals("refit", judged, live, _refit(fits, "challenger", "challenger"))
        yield _Rivals("stale", _swapped(judged), _swapped(live), _refit(fits, "challenger", "champion"))


def _refit(fits: Fits, of: Role, judged_as: Role) -> tuple[Role, Contender] | None:
    return (judged_as, fits.again[of]) if fits.again else None


def _decide(history: History, step: Step, rivals: _Rivals, fitted_rows: int) -> tuple[BacktestDecision, dict[float, Decision]]:
    """The decision on ``rivals``, and what margins of every scale would have decided."""
    gates = history.params.gates
    now = _measure(history, rivals.judged, step.judged, again=rivals.again)
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


def _hold(history: History, rows: PartRows, champion: Contender | LoggedScores | None, challenger: Contender) -> Contest | str:
    """Both scored on ``rows``, or why they cannot be."""
    try:
        return hold_contest(rows, champion, challenger, history.params.label.task)
    except WindtunnelError as error:
        return f"{error.thing}: {error.found}"


def _measure(
    history: History,
    contest: Contest | str,
    period: Period,
    *,
    replicates: int | None = None,
    again: tuple[Role, Contender] | None = None,
) -> Evaluation | str:
    """``again``: the role whose noise floor is measured, and its refit."""
    if isinstance(contest, str):
        return contest
    params = history.params
    if replicates is not None:
        interval = params.evaluation.interval.model_copy(update={"replicates": replicates})
        params = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"interval": interval})})
    try:
        features = history.within(period).features
        rescored = [] if again is None else [score_refit(again[1], again[0], contest, features)]
        return summarise(
            contest,
            params,
            split=history.evidence.split,
            part=period.name,
            known_slices=history.known_slices,
            inputs={},
            seed=derive_seed(params.seed, "evaluation"),
            own=history.own,
            rescored=rescored,
        )
    except WindtunnelError as error:
        return f"{error.thing}: {error.found}"


def _swapped(contest: Contest | str) -> Contest | str:
    """The roles turned round: each one's scores under the other's name."""
    if isinstance(contest, str):
        return contest
    names = [
        next((_TURNED[role] + name.removeprefix(role) for role in _TURNED if name.startswith(f"{role}_score")), name)
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
