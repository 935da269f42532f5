"""What the first screen says in words: the decision in one sentence, what it does not show, and the one next step.

What belongs here: sentences derived from records. What does not: numbers' form (``figures``) and markup (the templates).
"""

import re
from dataclasses import dataclass

from tasks.params.snapshot import FILE_TIME_COLUMN
from tasks.records import CriterionOutcome, Evaluation, Pin, Verdict
from tasks.reporting.figures import (
    format_change,
    format_count,
    format_day,
    format_level,
    format_plain,
    format_share,
    label_metric,
)
from tasks.reporting.rows import (
    DECIDING_STATUS,
    DECISION_WORDS,
    criterion_name,
    decisive_criteria,
    digits_needed,
    is_below_bound,
    is_beyond_margin,
)

_MISSING_NAMED = 4
_LONGEST_NAME = 48
_EVIDENCE = {
    "refitted_here": ("Rehearsed, not live", "The recipe was refitted here and scored on stored data; no live traffic was served."),
    "scored_here": ("Rehearsed, not live", "It was scored here on stored data, fitted unseen; no live traffic was served."),
    "scores_brought_along": ("Scores brought along", "The challenger's scores were handed in; they were not computed here."),
}


EVIDENCE_WORDS = {
    "refitted_here": "refitted here",
    "scored_here": "scored here, fitted unseen",
    "scores_brought_along": "scores brought along, computed unseen",
}
"""What was seen of how the challenger's scores came about."""


@dataclass(frozen=True)
class Limit:
    """One thing that the verdict does not show."""

    title: str
    text: str


@dataclass(frozen=True)
class Action:
    """The one recommended next step, and the command that begins it."""

    text: str
    command: str


def headline(verdict: Verdict) -> tuple[str, str]:
    """(decision, why), which together read as one sentence: ``Reject``, ``better overall, clearly worse on one carrier``.

    A verdict's reason begins with its decision; the page sets that apart, so it is taken off here.
    """
    word, reason = DECISION_WORDS[verdict.decision], " ".join(verdict.reason.split())
    repeated = re.match(rf"{word}(?: \((?P<note>[^()]*)\))?: *(?P<why>.+)", reason, re.IGNORECASE)
    if repeated is None:
        return (f"{word} (rubber stamp)" if verdict.rubber_stamp else word), reason
    note, why = repeated["note"], repeated["why"]
    if verdict.rubber_stamp:
        return f"{word} (rubber stamp)", why
    return word, f"{why} ({note})" if note else why


def limits_of(verdict: Verdict, evaluation: Evaluation, pin: Pin, time_column: str) -> tuple[Limit, ...]:
    """What ``verdict`` does not show, the gravest first; ``time_column`` is the column that the rows' prediction times are of."""
    found = []
    if verdict.rehearsal:
        found.append(Limit("Rehearsal", "Nobody has signed masking policy and criteria as they are: this promotes nothing."))
    if verdict.rubber_stamp:
        found.append(Limit("Rubber stamp", "There is no champion: nothing was compared, only absolute bounds were checked."))
    if verdict.missing_slices:
        found.append(Limit("Unseen slices", f"{_list(verdict.missing_slices)}: no judged rows, so nothing is known there."))
    found += _undecided(verdict)
    found += _rare_classes(evaluation)
    found.append(Limit(*_EVIDENCE[verdict.evidence_level]))
    found += _view_limit(verdict, evaluation)
    found += _folds(verdict)
    found += _noise(verdict)
    found += _weights(verdict, evaluation)
    if verdict.judged == "recipe" and verdict.folds is None:
        told = "The model that was fitted here was judged, and this verdict promotes it. Fitted anew, the recipe is another model."
        found.append(Limit("One fit of the recipe", told))
    found += _late_scores(evaluation)
    found += _unjudged_rows(evaluation)
    found.append(Limit("Age", _age(evaluation, pin, time_column)))
    return tuple(found)


def _age(evaluation: Evaluation, pin: Pin, time_column: str) -> str:
    first, last, seen = (format_day(moment) for moment in (evaluation.from_utc, evaluation.to_utc, pin.as_of_utc))
    if time_column == FILE_TIME_COLUMN:
        when = f"on {first}" if first == last else f"between {first} and {last}"
        return (
            f"The rows have no times of their own: the files that hold the judged ones appeared in the lake {when}, "
            f"and what they tell of may be of any earlier day. Data as of {seen}; nothing later was seen."
        )
    days = f"{format_count(evaluation.days)} day{'' if evaluation.days == 1 else 's'}"
    return f"Judged rows are of {first} to {last} ({days}), data as of {seen}; nothing later was seen."


def _folds(verdict: Verdict) -> list[Limit]:
    """What all folds being judged means for who made the scores, and for what is left of the models."""
    folds = verdict.folds
    if folds is None:
        return []
    drawn = f"; figures are means of {folds.draws} draws, in which each row counts once; curves show the first" * (folds.draws > 1)
    if verdict.evidence_level == "scores_brought_along":
        text = f"{folds.count} folds{drawn}. That each score is of a model that had not seen its row is said, and was not seen."
    else:
        text = f"Each of {folds.count} folds was scored by a model of the others{drawn}. None of these models is kept."
    return [Limit("Out of fold", text)]


def _weights(verdict: Verdict, evaluation: Evaluation) -> list[Limit]:
    """Weights that count in judging and not in fitting, or the other way round, are a choice that a reader should know of."""
    judged, fitted = verdict.weights.get("judging"), verdict.weights.get("challenger")
    if evaluation.challenger.basis not in ("recipe", "command") or judged == fitted:
        return []
    judging = f"weighted by {judged}" if judged else "not weighted"
    fitting = f"weighted by {fitted}" if fitted else "not weighted"
    return [Limit("Weights", f"Rows are {judging} in the figures; those that the challenger was fitted on are {fitting}.")]


def _noise(verdict: Verdict) -> list[Limit]:
    """What a seed alone moves: of claims to be better the reader should know it, and where nobody could measure it."""
    noise = verdict.noise
    if noise is None:
        return []
    outcome = next((o for o in verdict.criteria if o.metric is not None and o.slice is None and o.noise_floor is not None), None)
    if outcome is None:
        unknown = "" if noise.of or noise.scored_twice else ", so that nothing is called better"
        return [Limit("Noise floor", f"{noise.told[0].upper()}{noise.told[1:]}{unknown}.")]
    found = format_level(outcome.noise_floor, digits_needed(outcome))
    return [Limit("Noise floor", f"{label_metric(outcome.metric)} differs by up to {found} from itself: {noise.told}.")]


def _undecided(verdict: Verdict) -> list[Limit]:
    """Advisory criteria without an answer: they do not stop a promotion, and it says nothing about them."""
    waiting = [o for o in verdict.criteria if not o.is_critical and o.status in ("inconclusive", "not_judged")]
    if not waiting:
        return []
    names = _list(tuple(o.slice or criterion_name(o) for o in waiting))
    verb = "criterion came" if len(waiting) == 1 else "criteria came"
    return [Limit("Undecided", f"{len(waiting)} advisory {verb} to no answer: {names}.")]


def _rare_classes(evaluation: Evaluation) -> list[Limit]:
    rare = tuple(
        f"{found.name} ({'few' if found.rows is None else format_count(found.rows)} rows)"
        for found in evaluation.classes
        if found.is_rare
    )
    return [Limit("Small classes", f"{_list(rare)}: too few judged rows to say how well they are told.")] if rare else []


def _late_scores(evaluation: Evaluation) -> list[Limit]:
    if not evaluation.late_scores:
        return []
    share = format_share(evaluation.late_scores, evaluation.rows)
    text = f"The champion scored {format_count(evaluation.late_scores)} rows ({share}) after their prediction time: it may have"
    return [Limit("Late scores", f"{text} known more than the challenger.")]


def _view_limit(verdict: Verdict, evaluation: Evaluation) -> list[Limit]:
    champion, challenger = verdict.view.get("champion"), verdict.view.get("challenger")
    if champion is None or champion == challenger:
        where = f"Both models saw {challenger} data" if champion else f"The challenger saw {challenger} data"
        return [] if challenger == "raw" else [Limit("Masked view", f"{where}; trained on raw data it may do better or worse.")]
    logged = evaluation.champion is not None and evaluation.champion.basis == "logged_scores"
    whose = "logged scores" if logged else "scores"
    return [
        Limit(
            "Two views",
            f"The champion's {whose} come from {champion} data; the challenger was trained and scored on {challenger} data.",
        )
    ]


def _unjudged_rows(evaluation: Evaluation) -> list[Limit]:
    lost = evaluation.unlabelled_rows + evaluation.unscored_rows
    whole = evaluation.rows + lost
    parts = [
        f"{format_count(rows)} rows ({format_share(rows, whole)}) {what}"
        for rows, what in ((evaluation.unlabelled_rows, "have no label yet"), (evaluation.unscored_rows, "no champion score"))
        if rows
    ]
    return [Limit("Rows not judged", f"{', '.join(parts)}; how the models do on these is unknown.")] if parts else []


def action_of(verdict: Verdict, evaluation: Evaluation, max_age_days: int) -> Action:
    """The one recommended step after ``verdict``; ``max_age_days`` is how long it may be acted upon."""
    if verdict.decision == "promote" and verdict.rehearsal:
        return Action(
            "Sign masking policy and criteria and judge again: as long as nobody stands behind them, nothing is promoted.",
            "windtunnel policy sign --reason TEXT",
        )
    if verdict.decision == "promote":
        days = f"{max_age_days} day{'' if max_age_days == 1 else 's'}"
        return Action(
            f"Let your release flow ask the gate before it promotes; this verdict holds for {days}.", "windtunnel gate --check"
        )
    chosen = decisive_criteria(verdict)
    outcome = next((verdict.criteria[i] for i in chosen if verdict.criteria[i].status == DECIDING_STATUS[verdict.decision]), None)
    if verdict.decision == "reject":
        return _mend(outcome)
    return _wait(verdict, evaluation) if verdict.decision == "inconclusive" else _supply(verdict, outcome)


def _mend(outcome: CriterionOutcome | None) -> Action:
    if outcome is None or outcome.metric is None:
        what = f"{criterion_name(outcome)}: {_sentence(outcome.reason)}" if outcome is not None else "what the criteria below name."
        return Action(f"Mend {what}", "windtunnel run")
    return Action(f"Mend {_where(outcome)}: {_miss(outcome)}", "windtunnel try FILE")


def _miss(outcome: CriterionOutcome) -> str:
    """What a failed criterion found and what it allows, in words that need no sign convention."""
    name, digits = label_metric(outcome.metric), digits_needed(outcome)
    if is_beyond_margin(outcome) and outcome.delta is not None:
        word = "higher" if outcome.delta > 0 else "lower"
        found = format_level(abs(outcome.delta), digits)
        return f"{name} is {found} {word} than the champion's, at most {format_plain(outcome.margin)} is allowed."
    if outcome.better_by is not None and not is_below_bound(outcome):
        more = f" by more than {format_plain(outcome.better_by)}" if outcome.better_by else ""
        return f"{name} differs by {format_change(outcome.delta, digits)} from the champion's, better{more} is asked."
    word = "at most" if outcome.direction == "lower_is_better" else "at least"
    return f"{name} is {format_level(outcome.challenger, digits)}, {word} {format_plain(outcome.bound)} is asked."


def _where(outcome: CriterionOutcome) -> str:
    name = _short(criterion_name(outcome))
    return f"{name} on {_short(outcome.slice or 'all rows')}" if outcome.metric is not None else name


def _short(name: str) -> str:
    """A name that leaves room for the sentence it stands in; the table of criteria has it in full."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _wait(verdict: Verdict, evaluation: Evaluation) -> Action:
    """The criterion that takes longest decides how long to wait; one that no number of rows would decide comes first."""
    waiting = [o for o in verdict.criteria if o.status == "inconclusive"]
    waiting = [o for o in waiting if o.is_critical] or waiting
    if not waiting:
        return Action("Read the criteria below, gather more rows, and judge again.", "windtunnel run")
    endless = [o for o in waiting if o.rows_to_decide is None]
    unknown = [o for o in endless if o.better_by is not None and o.noise_floor is None and o.challenger is not None]
    if unknown:
        text = f"Name a recipe of one model, so that a refit measures the noise floor of {_where(unknown[0])}, or ask for a margin."
        return Action(text, "windtunnel run")
    hidden = [o for o in endless if o.reason.startswith("withheld")]
    if hidden:
        text = f"Judge more rows, or merge slices: {_where(hidden[0])} rests on too few people, and how many it takes is not told."
        return Action(text, "windtunnel data refresh")
    if endless:
        text = f"Sharpen the challenger or reconsider the limit of {_where(endless[0])}: more rows alone would not decide it."
        return Action(text, "windtunnel try FILE")
    longest = max(waiting, key=lambda o: (o.days_to_decide or 0, o.rows_to_decide or 0))
    more = max(1, (longest.rows_to_decide or 0) - (longest.n or 0))
    days = max(1, longest.days_to_decide - evaluation.days) if longest.days_to_decide is not None else None
    when = f", {format_count(days)} day{'' if days == 1 else 's'} at today's rate" if days is not None else ""
    text = f"Wait for more data: {_where(longest)} needs about {format_count(more)} more rows{when}. Then judge again."
    return Action(text, "windtunnel data refresh")


def _supply(verdict: Verdict, outcome: CriterionOutcome | None) -> Action:
    if outcome is not None:
        return Action(f"Supply what is missing for {_where(outcome)}: {_sentence(outcome.reason)}", "windtunnel run")
    if verdict.missing_slices:
        return Action(f"Bring rows of {_list(verdict.missing_slices)} into the judged part.", "windtunnel run")
    return Action("Supply the evidence that the criteria below name.", "windtunnel run")


def _list(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MISSING_NAMED} more" if len(names) > _MISSING_NAMED else ""
    return ", ".join(map(_short, names[:_MISSING_NAMED])) + more


def _sentence(text: str) -> str:
    text = " ".join(text.split()) or "no reason was given"
    return text if text.endswith((".", "!", "?")) else f"{text}."
