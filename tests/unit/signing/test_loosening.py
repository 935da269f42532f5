"""Which way a change goes: what asks for less is a loosening, and so is what cannot be ordered."""

import copy
from pathlib import Path

import pytest
import yaml

from tasks.params import Params
from tasks.records import PolicyVersion
from tasks.signing import policy_content
from tasks.signing.policy import FIRST
from tasks.stages.policies import classify

ROOT = Path(__file__).resolve().parents[3]
DEMO = yaml.safe_load((ROOT / "params.yaml").read_text())
CRITERION = {"metric": "brier", "margin": 0.1, "min_rows": 100, "critical": True}
DRIFT = {"gates.criteria.drifted": {"drift": "psi", "most": 0.2, "min_rows": 100, "critical": True}}
INHERITING = {
    "evaluation.discover": {"columns": ["origin"], "metric": "brier", "min_rows": 500},
    "gates.criteria.search": {"discovered": "brier", "critical": True},
}
SEARCH = INHERITING | {"gates.criteria.search.confidence": 0.95}
SERVED = {"gates.criteria.served": {"measured": "latency", "measure": "p99_ms", "most": 50, "min_count": 1000, "critical": True}}
STURDY = {"gates.criteria.sturdy": {"measured": "robustness", "measure": "kept", "least": 0.9, "critical": True}}
EMAIL = "masking.tables.bookings.email"
DECADE = "masking.tables.bookings.birth_date"
POSTCODE = "masking.tables.bookings.postcode"
RARE = {"columns": ["loyalty_tier"], "k": 5}


def version(changes, signers=""):
    content = copy.deepcopy(DEMO)
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        place = content
        for name in parents:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    policy = policy_content(Params.model_validate(content), {})
    return PolicyVersion(number=1, previous=FIRST, author="a", reason="r", policy=policy, allowed_signers=signers)


def directions(before, after):
    """{place: direction} of each change between two sets of changes to the demo."""
    return {change.where: change.direction for change in classify(version(before), version(after))}


def ranking(**changes):
    return {f"gates.criteria.ranking.{name}": value for name, value in changes.items()}


STRICTER = [
    ({}, ranking(margin=0.001)),
    (ranking(margin=None), ranking(margin=0.5)),
    ({}, ranking(margin=None, better_by=0.0)),
    ({}, ranking(bound=0.7)),
    (ranking(bound=None), ranking(bound=0.1)),
    (
        {"gates.criteria.loss": CRITERION | {"metric": "log_loss", "bound": 0.5}},
        {"gates.criteria.loss": CRITERION | {"metric": "log_loss", "bound": 0.4}},
    ),
    (ranking(confidence=0.9), {}),
    ({}, {"evaluation.interval.confidence": 0.96}),
    ({}, ranking(min_rows=6000)),
    (ranking(method="cluster_bootstrap"), ranking(method="expanded")),
    ({}, {"gates.require": {"challenger": "scored_here", "champion": "logged_scores"}}),
    (DRIFT | {"gates.criteria.drifted.most": 0.3}, DRIFT),
    ({}, {"gates.criteria.more": CRITERION}),
    ({}, SERVED),
    (SERVED, SERVED | {"gates.criteria.served.most": 40}),
    (SERVED, SERVED | {"gates.criteria.served.min_count": 2000}),
    (SERVED, SERVED | {"gates.criteria.served.confidence": 0.99}),
    (STURDY, STURDY | {"gates.criteria.sturdy.least": 0.95}),
    ({}, {"gates.criteria.each_carrier.critical": True}),
    ({}, {"gates.max_age_days": 3}),
    (SEARCH | {"gates.criteria.search.confidence": 0.99}, SEARCH),
    ({}, {"evaluation.discover": INHERITING["evaluation.discover"]}),
    ({}, INHERITING),
    ({}, {"evaluation.slices": ["origin", "carrier", "dest"]}),
    ({}, {"masking.limits.k": 6}),
    ({}, {"masking.limits.quasi": ["bookings.loyalty_tier"]}),
    ({}, {"masking.limits.closeness": 0.3}),
    ({}, {"masking.utility.min_agreement": 0.9}),
    ({}, {POSTCODE: {"class": "quasi", "transform": "drop"}}),
    ({}, {f"{POSTCODE}.keep_prefix": 1}),
    ({}, {"masking.tables.bookings.suppress": RARE}),
    ({"masking.tables.bookings.suppress": RARE}, {"masking.tables.bookings.suppress": RARE | {"k": 9}}),
    ({"masking.tables.bookings.accepted": {"loyalty_tier": "words enough here"}}, {}),
    ({}, {"masking.tables.weather": None}),
]


@pytest.mark.parametrize(("before", "after"), STRICTER, ids=lambda value: ",".join(value) or "demo")
def test_stricter_is_tightening_and_its_undoing_is_loosening(before, after):
    """Each way: what the one demands more, the other demands less."""
    forth, back = directions(before, after), directions(after, before)
    assert forth and set(forth.values()) <= {"tightening", "neutral"}
    assert "tightening" in forth.values()
    assert "loosening" in back.values()


UNORDERED = [
    ranking(margin=None, relative_margin=0.01),
    ranking(metric="log_loss", bound=None),
    ranking(method="bca"),
    {"gates.criteria.each_origin.slice": "carrier"},
    {"evaluation.part": "validation"},
    {"evaluation.split": "by_aircraft"},
    {"evaluation.interval.cluster": "row"},
    {"evaluation.weight": "distance"},
    {"gates.looks.budget": 2},
    {"splits.by_time.boundaries.validation": "2013-09-02"},
    {"label.known": "known_utc", "label.positive": 0},
    {"seed": 2},
    {"masking.limits.person": "booking"},
    {"masking.domains.passenger": None, "masking.domains.traveller": ["bookings.loyalty_no"], "masking.limits.person": "traveller"},
    {DECADE: {"class": "quasi", "transform": "date_part", "part": "year"}},
    {EMAIL: {"class": "quasi", "transform": "token"}},
]


def test_a_search_is_one_change():
    """Asked or not asked: none of its keys is told as a change that cannot be ordered."""
    asked = {"evaluation.discover": INHERITING["evaluation.discover"]}
    assert directions({}, asked) == {"evaluation.discover": "tightening"}
    assert directions(asked, {}) == {"evaluation.discover": "loosening"}
    assert directions(asked, {"evaluation.discover": asked["evaluation.discover"] | {"columns": ["dest"]}}) == {
        "evaluation.discover.columns": "loosening"
    }


@pytest.mark.parametrize("after", UNORDERED, ids=",".join)
def test_what_cannot_be_ordered_is_loosening(after):
    """Each way, for neither is the stricter one (the last: a dropped column that leaves)."""
    assert "loosening" in directions({}, after).values()
    assert after is UNORDERED[-1] or "loosening" in directions(after, {}).values()


@pytest.mark.parametrize(
    "after",
    [
        {"masking.purpose": "tests", "masking.owner": "ada"},
        {f"{EMAIL}.reason": "other words"},
        {"splits.by_time.why": "other words"},
    ],
)
def test_words_are_neutral(after):
    """Nothing is judged or masked by them."""
    assert set(directions({}, after).values()) == {"neutral"}


@pytest.mark.parametrize(
    "after",
    [
        {"masking.key.id": "other-1"},
        {"snapshot.as_of_utc": "2013-11-02T00:00:00Z"},
        {"models.challenger.parameters": {"max_iter": 7}},
        {"refresh.keep": 3},
        {"masking.limits.below": 0.0, "gates.looks.budget": 30},
    ],
)
def test_what_is_judged_and_defaults_written_out_are_no_change(after):
    """The key's name, the moment, the challenger; and a default that somebody spelt out."""
    assert directions({}, after) == {}
    assert version({}).policy == version(after).policy


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_confidence_that_a_search_inherits_cannot_be_ordered(confidence):
    """More of it weakens the search, and less of it all the others: each takes two signatures; without a search more takes one."""
    asked = {"evaluation.interval.confidence": confidence}
    found = directions(INHERITING, INHERITING | asked)
    assert "loosening" in found.values()
    assert found["gates.criteria.search.confidence"] == ("loosening" if confidence > 0.95 else "tightening")
    assert ("loosening" in directions({}, asked).values()) == (confidence < 0.95)


def test_a_looser_margin_says_what_it_was():
    """For a reader who has to sign."""
    [change] = classify(version({}), version(ranking(margin=0.05)))
    assert (change.where, change.was, change.now, change.direction) == (
        "gates.criteria.ranking.margin",
        "0.005",
        "0.05",
        "loosening",
    )


ADA, BOB, EVE = (f"{name}@example.com ssh-ed25519 {key}\n" for name, key in (
    ("ada", "AAAAC3NzaC1lZDI1NTE5AAAAIHLjjfuNfFRaiVhDNPytBefuGVrauqhlSvVboCnwBDDi"),
    ("bob", "AAAAC3NzaC1lZDI1NTE5AAAAIHLjjfuNfFRaiVhDNPytBefuGVrauqhlSvVboCnwBDDj"),
    ("eve", "AAAAC3NzaC1lZDI1NTE5AAAAIHLjjfuNfFRaiVhDNPytBefuGVrauqhlSvVboCnwBDDk"),
))  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (ADA + BOB, ADA + BOB + EVE, "loosening"),
        (ADA + BOB + EVE, ADA + BOB, "tightening"),
        (ADA + BOB, ADA, "loosening"),
        (ADA + BOB + EVE, ADA + BOB + EVE.replace(" ", ' valid-before="20270101Z" ', 1), "tightening"),
        (ADA + BOB + EVE.replace(" ", ' valid-before="20270101Z" ', 1), ADA + BOB + EVE, "loosening"),
        (ADA + BOB, ADA + BOB.replace("bob@", "bobby@"), "loosening"),
        (ADA + BOB, BOB + "# words\n" + ADA, "neutral"),
    ],
)
def test_who_may_sign_has_an_order_too(before, after, direction):
    """Whoever comes in is a loosening; who goes is none as long as two people stay."""
    changes = classify(version({}, before), version({}, after))
    assert [change.direction for change in changes] == [direction]


def test_a_section_of_another_version_is_compared_as_it_stands():
    """A key that today's grammar does not know: not ordered, so loosening."""
    was = version({})
    older = was.model_copy(update={"policy": {**was.policy, "gates": {**was.policy["gates"], "quorum": 3}}})
    assert "loosening" in {change.direction for change in classify(older, was)}
