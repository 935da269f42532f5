# ruff: noqa: RUF001 - minus signs and dashes are what readers see
"""The page: whole, self-contained, the same bytes each time, and deaf to whatever a name holds."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from verdict_stories import HOSTILE, STORIES, make_pin, sha, story_inputs, with_names

from tasks.errors import ReportError
from tasks.records import FoldsJudged
from tasks.reporting import render_report
from tasks.reporting.chain import chain_of


class _Page(HTMLParser):
    """Tags, ids, links and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def ids(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "id"]


@pytest.mark.parametrize("story", STORIES)
def test_page_is_the_same_each_time(story: str) -> None:
    """Equal inputs are equal bytes: no clock, no host, no order that depends on hashing."""
    assert render_report(story_inputs(story)) == render_report(story_inputs(story))


@pytest.mark.parametrize("story", STORIES)
def test_page_holds_its_own_script_only_and_loads_nothing(story: str) -> None:
    """One script, which its policy names, and what that reads; no handler, no address but anchors and the empty icon."""
    text = render_report(story_inputs(story))
    page = _Page(text)
    kinds = [kind for tag, name, kind in page.attributes if (tag, name) == ("script", "type")]
    assert (page.tags.count("script"), len(kinds)) == (4, 3)
    assert not {kind for kind in kinds if "javascript" in kind or kind == "module"}
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    named = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{named}';" in text
    assert not {"iframe", "img", "object", "embed", "form", "base", "video", "audio"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    addresses = [value for _, name, value in page.attributes if name in ("href", "src", "srcset", "action", "xlink:href")]
    assert [address for address in addresses if not address.startswith("#") and address != "data:,"] == []
    assert "url(" not in render_report(story_inputs(story))


def test_each_fold_has_its_row() -> None:
    """Beside the slices, which they are none of; without folds there is no such table."""
    inputs = story_inputs("reject")
    evaluation = inputs.provenance.evaluation
    one = next(found for found in evaluation.comparisons if found.slice_column is None)
    folds = tuple(one.model_copy(update={"slice_column": "fold", "slice_value": f"fold_{n}"}) for n in (1, 2))
    judged = evaluation.model_copy(update={"folds": folds, "folds_judged": FoldsJudged(count=2, draws=1)})
    page = render_report(replace(inputs, provenance=replace(inputs.provenance, evaluation=judged)))
    assert "Each fold by itself" in page
    assert {"fold_1", "fold_2"} <= set(_Page(page).text)
    assert "Each fold by itself" not in render_report(inputs)


@pytest.mark.parametrize("story", STORIES)
def test_every_anchor_leads_somewhere(story: str) -> None:
    """Links point to ids that exist, and no id stands twice."""
    page = _Page(render_report(story_inputs(story)))
    targets = {value[1:] for _, name, value in page.attributes if name == "href" and value.startswith("#")}
    assert targets - set(page.ids) == set()
    assert len(page.ids) == len(set(page.ids))


def test_hostile_names_stay_text() -> None:
    """A tag in a slice, feature, column, reason, path or suite is shown and never parsed."""
    plain = _Page(render_report(with_names(story_inputs("reject"), "harmless")))
    hostile = _Page(render_report(with_names(story_inputs("reject"), HOSTILE)))
    assert hostile.tags == plain.tags
    assert [(tag, name) for tag, name, _ in hostile.attributes] == [(tag, name) for tag, name, _ in plain.attributes]
    assert sum(HOSTILE in text for text in hostile.text) > 20


def test_first_screen_comes_first() -> None:
    """Decision, next step, what decided and what is not shown, in this order, before any table."""
    page = render_report(story_inputs("reject"))
    marks = [
        "Reject:",
        "Mend each_origin on origin=LGA",
        "What decided",
        "What this verdict does not show",
        "This page judges itself",
        "<table",
    ]
    places = [page.index(mark, page.index("<body>")) for mark in marks]
    assert places == sorted(places)


def test_figures_lead_to_their_criterion_and_its_threshold() -> None:
    """A number on the first screen and in the slices links to the criterion, and this to params.yaml's threshold."""
    page = render_report(story_inputs("reject"))
    index = next(i for i, o in enumerate(story_inputs("reject").provenance.verdict.criteria) if o.slice == "origin=LGA")
    assert f'<a class="plain" href="#criterion-{index}"><b data-figure="{index}.delta">−0.0712</b></a>' in page
    assert f'<a href="#criterion-{index}">−0.0712</a>' in page
    row = page[page.index(f'id="criterion-{index}"') :]
    assert 'href="#threshold-3"' in row[: row.index("</tr>")]
    assert "each_origin" in page[page.index('id="threshold-3"') :][:120]


def test_auditor_finds_all_hashes_in_full() -> None:
    """Verdict, policy, parameters, every input and every pinned file."""
    inputs = story_inputs("reject")
    page, found = render_report(inputs), inputs.provenance
    wanted = {found.files["verdict"], found.verdict.policy_hash, found.verdict.params_hash, *found.verdict.inputs.values()}
    wanted |= {file.sha256 for table in found.pin.tables.values() for file in table.files}
    assert [value for value in wanted if value not in page] == []


def test_auditor_finds_privacy_quality_split_and_models() -> None:
    """Each section shows what its record says."""
    text = " ".join(_Page(render_report(story_inputs("failed_validation"))).text)
    for wanted in (
        "date_shift per=loyalty_no max_days=30",
        "bookings.phone, bookings.card_number",
        "pseudonymised, not anonymous",
        "expect_column_values_to_not_be_null",
        "suspected target leakage",
        "mirrors a release, which is judged on days after its training",
        "198,442",
        "flights.flight_id 8,991 198,425 17 11,126 the same",
        "Searched for personal data after masking:",
        "60 % of its distinct values are names of people, by the lists accepted airlines that bear their founders' names",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "scikit-learn 1.9.1",
        "cluster bootstrap, cluster day, 2,000 replicates, 95 %",
    ):
        assert wanted in text


@pytest.mark.parametrize("story", ["promote", "rubber_stamp", "not_judged"])
def test_page_says_what_is_not_there(story: str) -> None:
    """No champion and no figures are said, not left blank."""
    text = " ".join(_Page(render_report(story_inputs(story))).text)
    assert ("There is no champion" in text) == (story == "rubber_stamp")
    assert "None" not in text
    assert "nan" not in text.split()


@pytest.mark.parametrize(
    "key", ["masked", "features", "splits/by_time", "models/challenger", "pin", "evaluation", "validation/raw"]
)
def test_records_of_two_runs_are_refused(key: str) -> None:
    """Evidence of different runs on one page would look like evidence of one."""
    inputs = story_inputs("promote")
    verdict = inputs.provenance.verdict
    other = verdict.model_copy(update={"inputs": {**verdict.inputs, key: sha("another run")}})
    with pytest.raises(ReportError, match=re.escape(key)):
        render_report(replace(inputs, provenance=replace(inputs.provenance, verdict=other)))


def test_verdict_on_another_part_is_refused() -> None:
    """The evaluation shown must be of the rows that were judged."""
    inputs = story_inputs("promote")
    other = inputs.provenance.verdict.model_copy(update={"part": "validation"})
    with pytest.raises(ReportError, match=r"verdict\.json"):
        render_report(replace(inputs, provenance=replace(inputs.provenance, verdict=other)))


def test_chain_counts_the_rows_of_one_draw_and_tells_what_there_is_to_know() -> None:
    """A further repeat of folds holds the same rows again; what a split notes of itself stands beside its rows."""
    inputs = story_inputs("promote")
    split = inputs.provenance.split
    parts = {**split.parts, "r2_fold_1": sum(split.parts.values())}
    noted = split.model_copy(update={"parts": parts, "notes": ("3 of 9 values of carrier have fewer rows than the 2 parts",)})
    found = next(link for link in chain_of(replace(inputs.provenance, split=noted)) if link.path == f"data/splits/{split.name}")
    assert found.facts == (f"{sum(split.parts.values()):,} rows", *noted.notes)


@pytest.mark.slow
def test_page_stays_small_however_much_there_is() -> None:
    """Thousands of slices and files are counted, and the worst are listed, within 3 MB."""
    inputs = story_inputs("reject", carriers=tuple(f"carrier-number-{i:05d}" for i in range(3_000)))
    pin = make_pin(days=62)
    planes = pin.tables["planes"].files[0]
    files = tuple(planes.model_copy(update={"path": f"planes/{i:06d}.parquet"}) for i in range(30_000))
    pin = pin.model_copy(update={"tables": {"planes": pin.tables["planes"].model_copy(update={"files": files})}})
    page = render_report(replace(inputs, provenance=replace(inputs.provenance, pin=pin)))
    assert len(page.encode()) < 3_000_000
    assert "30,000" in page
    assert "Shown are 400 of" in page
    assert "origin=LGA" in page
    assert '<script type="application/octet-stream" id="judge-verdict"></script>' in page


def test_page_beyond_three_megabytes_is_refused() -> None:
    """One clear error, not a page that a mail server drops."""
    with pytest.raises(ReportError, match=r"report\.html") as caught:
        render_report(with_names(story_inputs("reject"), "x" * 60_000))
    assert "3.0 MB" in caught.value.expected
