"""A view against the limits: every figure that is published of it, and which limits do not hold.

What belongs here: putting measures, attacks and proposals into one record, and withholding figures of too few people. What does
not: any measure.
"""

from collections.abc import Callable, Mapping

from tasks.disclosure.attacks import Attack, Rate, run_attacks
from tasks.disclosure.crowds import Crowds, form_crowds
from tasks.disclosure.proposal import propose_generalisation, propose_suppression, publishable, rows_below_without, rule_words
from tasks.disclosure.risk import Diversity, Risk, measure_diversity, measure_risk
from tasks.disclosure.search import Generalisation
from tasks.disclosure.view import PeopleView
from tasks.params.limits import LimitsParams
from tasks.records import AttackOutcome, GeneralisedColumn, KnownColumnRisk, SensitiveColumnRisk, Share, ViewRisk

Cost = Callable[[PeopleView, str, Generalisation], tuple[tuple[str, ...], str]]
"""From the view, a column's name and the proposal: the features that read the column, and what a model loses, in words."""


def assess_view(
    view: PeopleView, limits: LimitsParams, *, seed: int, cost: Cost, owners: Mapping[str, str] | None = None
) -> ViewRisk:
    """The risk of ``view`` under ``limits``; attacks are seeded by ``seed``, and ``cost`` says what a proposal costs a model.

    ``owners`` names, by table, the column that says whose row it is.
    """
    names = [column.name for column in view.quasi]
    crowds = form_crowds(view.people, names, view.person)
    risk = measure_risk(crowds, limits.k, view.owners)
    diversity = _measure_all(view, crowds)
    attacks = run_attacks(view.one_row_each, names, [column.name for column in view.sensitive], seed)
    exceeded = _exceeded(risk, diversity, attacks, limits)
    proposal, suppression = _propose(view, risk, limits, cost, owners or {}) if exceeded and names else ((), "")
    return ViewRisk(
        who=view.who,
        tables=view.tables,
        people=risk.rows,
        smallest=risk.smallest if risk.smallest >= limits.k else None,
        below=publishable(risk.rows_below, risk.rows, limits.k),
        unique=publishable(risk.unique_rows, risk.rows, limits.k),
        highest=risk.highest if risk.smallest >= limits.k else None,
        average=risk.average,
        columns=_columns(view, limits.k),
        sensitive=tuple(
            SensitiveColumnRisk(
                column=name,
                distinct=found.distinct,
                entropy=found.entropy,
                closeness=found.closeness,
                distance="ordered earth mover" if found.is_ordered else "total variation",
            )
            for name, found in diversity.items()
        ),
        attacks=tuple(_outcome(attack, limits.k) for attack in attacks),
        exceeded=exceeded,
        proposal=proposal,
        suppression=suppression,
    )


def _measure_all(view: PeopleView, crowds: Crowds) -> dict[str, Diversity]:
    return {column.name: measure_diversity(crowds, view.people.column(column.name)) for column in view.sensitive}


def _columns(view: PeopleView, k: int) -> tuple[KnownColumnRisk, ...]:
    without = rows_below_without(view, k)
    return tuple(
        KnownColumnRisk(
            column=column.name,
            treatment=_treatment(column.rule.model_dump(by_alias=True, exclude_defaults=True)) if column.rule else "kept",
            below_without=publishable(without[column.name], view.one_row_each.num_rows, k),
        )
        for column in view.quasi
    )


def _treatment(rule: dict[str, object]) -> str:
    settings = [f"{key} {value}" for key, value in rule.items() if key not in ("class", "column_class", "transform", "reason")]
    return " ".join([str(rule["transform"]), *settings])


def _exceeded(risk: Risk, diversity: dict[str, Diversity], attacks: tuple[Attack, ...], limits: LimitsParams) -> tuple[str, ...]:
    found = []
    if risk.rows < limits.k:
        found.append(f"k: fewer than {limits.k} people in all")
    elif risk.below > limits.below:
        share = publishable(risk.rows_below, risk.rows, limits.k)
        withheld = f"fewer than {limits.k} people stand" if risk.below < 0.5 else f"all but fewer than {limits.k} people stand"
        told = withheld if share is None else f"{risk.below:.2%} of people stand"
        found.append(f"k: {told} in a crowd of fewer than {limits.k} (limit: {limits.below:.2%} of people)")
    for name, held in diversity.items():
        if limits.diversity is not None and held.entropy < limits.diversity:
            found.append(f"diversity: a crowd has {held.entropy:.2f} values of {name} (least: {limits.diversity:g})")
        if limits.closeness is not None and held.closeness > limits.closeness:
            found.append(f"closeness: a crowd's {name} lies {held.closeness:.2f} from everybody's (most: {limits.closeness:g})")
    if limits.excess is not None:
        if not attacks:
            found.append("excess: nobody was attacked: there are too few people, or no quasi-identifier to attack by")
        for attack in attacks:
            if attack.excess.value > limits.excess:
                named = f"{attack.name}{f' of {attack.column}' if attack.column else ''}"
                found.append(f"excess: {named} gains {attack.excess.value:.1%} over its control (most: {limits.excess:.1%})")
    return tuple(found)


def _outcome(attack: Attack, k: int) -> AttackOutcome:
    """Where a share would tell of fewer than ``k`` people it is withheld, and what could be had from the others with it."""
    counts = ((attack.hits, attack.targets, attack.success), (attack.control_hits, attack.control_targets, attack.control))
    success, control = (_share(rate) if publishable(hits, of, k) is not None else None for hits, of, rate in counts)
    is_whole = success is not None and control is not None
    return AttackOutcome(
        attack=attack.name,
        column=attack.column,
        targets=attack.targets,
        success=success,
        control=control,
        excess=_share(attack.excess) if is_whole else None,
    )


def _share(rate: Rate) -> Share:
    return Share(value=rate.value, low=rate.low, high=rate.high)


def _propose(
    view: PeopleView, risk: Risk, limits: LimitsParams, cost: Cost, owners: Mapping[str, str]
) -> tuple[tuple[GeneralisedColumn, ...], str]:
    found = propose_generalisation(view, limits.k)
    rows = []
    for column in view.quasi:
        features, quality = cost(view, column.name, found)
        rows.append(
            GeneralisedColumn(
                column=column.name,
                becomes=rule_words(found.rules[column.name]),
                information_lost=found.lost[column.name],
                features=features,
                quality=quality,
            )
        )
    return tuple(rows), propose_suppression(view, risk, found, limits, owners.get(view.quasi[0].table))
