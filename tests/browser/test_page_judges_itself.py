"""The page judges itself: its script agrees with Python to the last digits, and tells a page whose numbers were edited."""

import base64
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from judged_pages import LINE, READ, outcomes
from judged_rows import AT_THRESHOLD, METRICS, judged_inputs, judged_rows, on
from playwright.sync_api import Browser, Page
from test_report_page import LEAST_CONTRAST, READ_COLOURS, contrast
from verdict_stories import STORIES, make_outcome, make_verdict, sha, story_inputs

from tasks.records import Interval, Verdict
from tasks.reporting import ReportInputs, render_report, seal_page
from tasks.reporting.page import MOST_CRITERIA

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TYPE = "application/vnd.in-toto+json"


@pytest.fixture(scope="module")
def ranking() -> ReportInputs:
    """A run on three origins that is promoted."""
    each = on("brier", slice="origin", margin=0.05, min_rows=9)
    return judged_inputs({"ranking": on("roc_auc", margin=0.005), "each_origin": each})


def asked(task: str) -> dict[str, Any]:
    """Every metric that is of sums, and every method that is of replicates."""
    found = {f"plain_{name}": on(name) for name in METRICS[task]}  # type: ignore[index]
    first, other = METRICS[task][0], METRICS[task][1]  # type: ignore[index]
    return found | {
        "expanded": on(first, method="expanded"),
        "bca": on(first, method="bca", bound=0.1),
        "wider": on(other, confidence=0.97),
        "relative": on(other, relative_margin=0.05, method="bca"),
        "better": on(first, better_by=0.001),
        "better too": on(other, better_by=0.001),
    }


@pytest.mark.parametrize(("task", "has_weights"), [("binary", False), ("binary", True), ("regression", False)])
def test_every_metric_and_method_agrees_with_python(show: Callable[..., Page], task: Any, has_weights: bool) -> None:
    """On identical data: the same replicates, so the same figures and interval ends to 1e-9, and the same statuses."""
    inputs = judged_inputs(asked(task), judged_rows(task=task, has_weights=has_weights), task=task)
    made = outcomes(show(render_report(inputs)), inputs)
    exact = {name for name, found in made.items() if found["level"] == "exact"}
    assert exact == set(asked(task)) - {"plain_ece"}
    assert {name for name in exact if not made[name]["isSame"] or made[name]["apart"] > 1e-9} == set()


def test_decisions_at_a_threshold_agree_with_python(show: Callable[..., Page]) -> None:
    """A cost, an F and a recall at one threshold, from days that have enough of every kind of mistake."""
    inputs = judged_inputs({name: on(name) for name in AT_THRESHOLD}, judged_rows(days=20, per_day=400))
    made = outcomes(show(render_report(inputs)), inputs)
    assert {made[name]["level"] for name in AT_THRESHOLD} == {"exact"}
    assert {name for name in AT_THRESHOLD if not made[name]["isSame"] or made[name]["apart"] > 1e-9} == set()


def test_cost_sliders_turn_the_verdict(show: Callable[..., Page]) -> None:
    """Costs at which the challenger would cost too much, and what an evaluation at these costs says, are the same."""
    rows = judged_rows(days=20, per_day=400)
    inputs = judged_inputs({"cost": on("cost@0.3", bound=0.9)}, rows)
    assert inputs.provenance.verdict.decision == "promote"
    page = show(render_report(inputs))
    slider = page.get_by_label(re.compile("^Cost of a false negative"))
    slider.focus()
    page.keyboard.press("End")
    assert "With the costs moved: reject, where the verdict is promote" in page.locator("#judge-whatif [role=status]").inner_text()
    turns = page.locator(".judge-slider", has_text="Cost of a false negative").locator(".judge-turns").inner_text()
    assert re.search(r"promote below [\d.]+, inconclusive from there to [\d.]+, reject from", turns)
    turned = float(re.search(r"below ([\d.]+)", turns)[1])  # type: ignore[index]
    decisions = []
    for cost in (0.97 * turned, 1.03 * turned):
        dearer = judged_inputs({"cost": on("cost@0.3", bound=0.9)}, rows, costs=(1, cost))
        decisions.append(dearer.provenance.verdict.decision)
    assert decisions == ["promote", "inconclusive"]


@pytest.mark.parametrize("draws", [1, 2])
def test_a_first_model_and_draws_of_folds_agree(show: Callable[..., Page], draws: int) -> None:
    """Without a champion a bound is judged again; of several draws the mean in every replicate."""
    rows = judged_rows().drop_columns(["champion_score"])
    if draws == 2:
        again = pc.divide(pc.add(rows.column("challenger_score"), 0.3), 1.3)
        rows = rows.append_column("r2_challenger_score", again)
    inputs = judged_inputs({"ranking": on("roc_auc", bound=0.6), "loss": on("log_loss", bound=0.9)}, rows, draws=draws)
    made = outcomes(show(render_report(inputs)), inputs)
    assert {(made[name]["level"], made[name]["isSame"]) for name in ("ranking", "loss")} == {("exact", True)}
    assert max(made[name]["apart"] for name in ("ranking", "loss")) < 1e-9


def test_blocks_that_were_merged_agree_nearly(show: Callable[..., Page]) -> None:
    """Where days have too few positives the points are the same, the ends near, and the page says so."""
    criteria = {"each": on("roc_auc", slice="origin", min_rows=9)}
    inputs = judged_inputs(criteria, judged_rows(days=28, per_day=40))
    page = show(render_report(inputs))
    levels = {name: found["level"] for name, found in outcomes(page, inputs).items() if name.startswith("each")}
    assert set(levels.values()) == {"merged", "follows"}
    assert page.evaluate(READ)["isSame"]
    assert "small blocks merged" in page.locator("#judge-criteria").inner_text()


def test_page_says_what_it_found(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """At the top and in its section: how many criteria, that nobody signed, and that the shown figures are the verdict's."""
    page = show(render_report(ranking))
    found = page.evaluate(READ)
    assert (found["shown"], found["isSame"], found["state"]) == (0, True, "absent")
    assert found["count"] > 50
    line = page.locator(LINE).inner_text()
    assert re.search(r"This page recomputed \d of 7 criteria: same figures, same verdict", line)
    assert "Not signed" in line
    assert "Not recomputed: it judges reports" in page.locator("#judge-criteria").inner_text()


@pytest.mark.parametrize("wanted", ["decision", "headline", "3.delta", "3.interval", "3.status", "3.limit", "3.n", "3.reason"])
def test_an_edited_figure_is_found(show: Callable[..., Page], ranking: ReportInputs, wanted: str) -> None:
    """Whatever a criterion shows: one digit, one word, the decision itself."""
    page = render_report(ranking)
    place = page.index(f'data-figure="{wanted}"')
    end = place + re.search(r">[^<]*[\w]", page[place:]).end()  # type: ignore[union-attr]
    edited = page[: end - 1] + ("7" if page[end - 1] != "7" else "8") + page[end:]
    assert show(edited).evaluate(READ)["shown"] == 1
    shown = show(edited)
    assert "This page was edited" in shown.locator(LINE).inner_text()
    assert shown.locator(".judge-edited").count() == 1


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [
        ("ranking", "challenger", "1"),
        ("ranking", "delta", "0"),
        ("ranking", "interval", "0 to 0"),
        ("ranking", "limit", "difference ≥ 0"),
        ("least", "limit", "≥ 1"),
    ],
)
def test_a_figure_with_fewer_digits_is_an_edited_one(show: Callable[..., Page], name: str, field: str, text: str) -> None:
    """What would be a rounding, had the page written so few digits."""
    inputs = judged_inputs({"ranking": on("roc_auc", margin=0.005), "least": on("roc_auc", bound=0.6)})
    place = [outcome.name for outcome in inputs.provenance.verdict.criteria].index(name)
    page = render_report(inputs)
    assert show(page).evaluate(READ)["shown"] == 0
    edited, count = re.subn(f'(data-figure="{place}.{field}">)(<a [^>]*>)?[^<]+', rf"\g<1>\g<2>{text}", page)
    assert count > 0
    assert show(edited).evaluate(READ)["shown"] == count


@pytest.mark.parametrize("wanted", ["decision", "headline", "3.delta", "3.interval", "3.status", "3.limit", "3.n", "3.reason"])
def test_a_figure_that_is_no_longer_marked_is_found(show: Callable[..., Page], ranking: ReportInputs, wanted: str) -> None:
    """Each place of a figure is asked for: taking the mark off exempts nothing, in its row as on the first screen."""
    page = render_report(ranking)
    mark = f' data-figure="{wanted}"'
    assert show(page[: page.index(mark)] + page[page.index(mark) + len(mark) :]).evaluate(READ)["shown"] == 1
    assert show(page[: page.rindex(mark)] + page[page.rindex(mark) + len(mark) :]).evaluate(READ)["shown"] == 1


def test_a_page_without_marked_figures_is_no_good_one(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """Nothing that was compared is no agreement."""
    page = show(re.sub(r' data-figure="[^"]*"', "", render_report(ranking)))
    assert page.evaluate(READ)["count"] == 0
    assert "This page was edited" in page.locator(LINE).inner_text()
    assert page.locator("#judge-found li").nth(1).get_attribute("class") == "bad"


@pytest.mark.parametrize("story", STORIES)
def test_an_honest_page_shows_the_figures_of_its_verdict(show: Callable[..., Page], story: str) -> None:
    """Whatever was decided, with a champion or without, with slices that nothing is known of."""
    page = show(render_report(story_inputs(story)))
    assert page.evaluate(READ)["shown"] == 0
    assert page.locator("#judge-found li").nth(1).get_attribute("class") == "good"


def test_figures_of_every_size_are_those_of_the_verdict(show: Callable[..., Page]) -> None:
    """Of all sizes, with limits that are told apart late, shares of six digits, and more criteria than have rows."""
    sizes = (9.9999, 9.99996, 99.995, 999.5, 12_345.678, 123_456.7)
    outcomes = [make_outcome(name=f"many_{place}", slice=f"carrier={place}") for place in range(MOST_CRITERIA)]
    for size in sizes:
        ends = Interval(low=-0.4 * size, high=0.31 * size, confidence=0.95)
        level = Interval(low=0.9 * size, high=1.1 * size, confidence=0.95)
        told = {"challenger": size, "champion": 1.2 * size, "delta": -0.2 * size, "challenger_interval": level, "n": 5}
        outcomes += [
            make_outcome(name=f"margin_{size}", status="fail", interval=ends, margin=0.4 * size + 1e-7, **told),
            make_outcome(name=f"share_{size}", status="fail", interval=ends, margin=0.3 * size, relative_margin=0.1203125, **told),
            make_outcome(name=f"bound_{size}", status="fail", interval=level, margin=None, bound=size / 3, **told),
        ]
    inputs = story_inputs("promote")
    verdict = make_verdict(*outcomes, decision="reject", reason="REJECT: because")
    found = replace(inputs.provenance, verdict=verdict, files=inputs.provenance.files | {"verdict": sha(verdict.to_json())})
    page = render_report(replace(inputs, provenance=found, verdict_bytes=verdict.to_json().encode()))
    opened = show(page)
    assert opened.locator(".judge-edited").evaluate_all("all => all.map(e => `${e.dataset.figure}: ${e.textContent}`)") == []
    assert opened.evaluate(READ)["shown"] == 0
    without = re.sub(rf'<tr id="criterion-{len(outcomes) - 1}">.*?</tr>', "", page)
    assert show(without).evaluate(READ)["shown"] == 8


def test_an_edited_verdict_is_found(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """A page drawn anew from better figures does not follow from the sums that it carries."""
    carried = json.loads(ranking.verdict_bytes)
    carried["criteria"][3]["interval"]["low"] += 0.001
    page = render_report(ranking)
    old, new = (base64.b64encode(text).decode() for text in (ranking.verdict_bytes, json.dumps(carried).encode()))
    line = show(page.replace(old, new)).locator(LINE).inner_text()
    assert "not the same verdict" in line
    assert "ranking" in line


def test_a_status_that_does_not_follow_is_found(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """A decision that the statuses do not come to, in a verdict that nobody signed."""
    carried = json.loads(ranking.verdict_bytes)
    carried["decision"] = "reject"
    page = render_report(ranking)
    old, new = (base64.b64encode(text).decode() for text in (ranking.verdict_bytes, json.dumps(carried).encode()))
    assert "not Reject" in show(page.replace(old, new)).locator(LINE).inner_text()


def test_edited_sums_are_found(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """Other sums make other figures than the verdict's."""
    figure = next(found for found in ranking.blocks.figures if found.metric == "roc_auc")
    held = figure.sums["challenger"][0].data
    page = render_report(ranking).replace(held, held[:40] + ("A" if held[40] != "A" else "B") + held[41:])
    assert "Do not rely on this page" in show(page).locator(LINE).inner_text()


def make_key(folder: Path, kind: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(folder / kind)], check=True)
    return folder / kind


def seal(verdict: bytes, key: Path, *, namespace: str = "windtunnel", **receipted: Any) -> dict[str, Any]:
    """A DSSE envelope around a statement on ``verdict``, its signature as ``ssh-keygen -Y sign`` makes it."""
    subject = {"name": "verdict.json", "digest": {"sha256": sha(verdict.decode())}}
    times = {"created_utc": "2026-01-01T00:00:00Z", "expires_utc": "2026-01-08T00:00:00Z"}
    about = {"verdict_hash": subject["digest"]["sha256"], "decision": json.loads(verdict).get("decision")}  # type: ignore[index]
    receipt = {**about, **times, **receipted}
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicate": {"receipt": receipt}}
    payload = json.dumps(statement).encode()
    message = f"DSSEv1 {len(TYPE)} {TYPE} {len(payload)} ".encode() + payload
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace]
    armored = subprocess.run(command, input=message, capture_output=True, check=True).stdout.decode()
    listed = subprocess.run(["ssh-keygen", "-l", "-f", f"{key}.pub"], capture_output=True, check=True, text=True).stdout
    signature = {"keyid": listed.split()[1], "sig": "".join(armored.splitlines()[1:-1])}
    return {"payloadType": TYPE, "payload": base64.b64encode(payload).decode(), "signatures": [signature]}


def sealed(inputs: ReportInputs, envelope: dict[str, Any], principal: str | None = "alice@example.com") -> str:
    return seal_page(render_report(inputs), json.dumps(envelope).encode(), principal)


def test_a_signature_of_this_verdict_is_valid(show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path) -> None:
    """Made by ssh-keygen, checked by WebCrypto from a file; the key's fingerprint and principal are shown."""
    envelope = seal(ranking.verdict_bytes, make_key(tmp_path, "ed25519"))
    page = show(sealed(ranking, envelope))
    assert page.evaluate(READ)["state"] == "valid"
    told = page.locator("#judge-signature").inner_text()
    assert envelope["signatures"][0]["keyid"] in told
    assert "alice@example.com" in told
    assert "2026-01-08T00:00:00Z" in told
    assert page.locator(f"{LINE}.good").count() == 1


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2026-01-07T23:59:59Z", None),
        (
            "2026-01-08T00:00:00Z",
            "Expired. This verdict expired on 2026-01-08 00:00 UTC, 0 minutes ago by this browser's clock: a gate",
        ),
        ("2026-06-01T12:00:00Z", "Expired. This verdict expired on 2026-01-08 00:00 UTC, 144 days ago"),
        ("2025-12-31T23:56:00Z", None),
        ("2025-12-31T23:54:00Z", "From the future. This verdict says that it was judged on 2026-01-01 00:00 UTC, 6 minutes ahead"),
    ],
)
def test_an_old_verdict_raises_the_alarm(
    show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path, now: str, told: str | None
) -> None:
    """By the signed receipt and the browser's clock, as a gate does: first thing on the page."""
    page = show(sealed(ranking, seal(ranking.verdict_bytes, make_key(tmp_path, "ed25519"))), now)
    page.evaluate(READ)
    alarm, line = page.locator("#judge-standing"), page.locator(LINE)
    assert alarm.is_visible() == (told is not None)
    assert (line.get_attribute("class") == "judge-line good") == (told is None)
    if told is not None:
        assert alarm.get_attribute("role") == "alert"
        assert told in alarm.inner_text()
    has_expired = told is not None and told.startswith("Expired")
    assert ("windtunnel data refresh" in page.locator("#next").inner_text()) == has_expired


def test_a_verdict_that_expires_while_it_is_read_says_so(show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path) -> None:
    """A page lies open for days."""
    page = show(sealed(ranking, seal(ranking.verdict_bytes, make_key(tmp_path, "ed25519"))))
    page.evaluate(READ)
    assert not page.locator("#judge-standing").is_visible()
    page.clock.set_fixed_time("2026-01-09T00:00:00Z")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert "Expired" in page.locator("#judge-standing").inner_text()


@pytest.mark.parametrize(
    ("receipted", "told"),
    [
        ({"verdict_hash": "0" * 64}, "Another receipt"),
        ({"decision": "reject"}, "Another receipt"),
        ({"expires_utc": "2099-01-01"}, "No age"),
        ({"created_utc": 7}, "No age"),
    ],
)
def test_a_receipt_that_a_gate_refuses_is_no_fresh_one(
    show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path, receipted: dict[str, Any], told: str
) -> None:
    """Of another verdict, of another decision, with times that are none, though somebody signed it."""
    page = show(sealed(ranking, seal(ranking.verdict_bytes, make_key(tmp_path, "ed25519"), **receipted)))
    assert page.evaluate(READ)["state"] == "valid"
    assert told in page.locator("#judge-standing.standing li.bad").inner_text()


def test_a_later_look_that_turns_the_decision_is_told(show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path) -> None:
    """By the look in the signed receipt, whatever the headline says of a first one."""
    verdict = Verdict.from_json(ranking.verdict_bytes, origin="test").model_copy(update={"later_looks": None})
    assert verdict.decision == "promote"
    later = replace(ranking, verdict_bytes=verdict.to_json().encode(), provenance=replace(ranking.provenance, verdict=verdict))
    taken = {"candidate": "c", "holdout": "h", "number": 4, "budget": 30, "left": 26, "event": "e"}
    page = show(sealed(later, seal(later.verdict_bytes, make_key(tmp_path, "ed25519"), look=taken)))
    assert page.evaluate(READ)["state"] == "valid"
    told = page.locator("#judge-standing.standing li.bad").inner_text()
    assert "A later look. Its candidate was number 4 of 30 on this holdout: what stands is inconclusive, not promote." in told


def test_what_nobody_stands_behind_stays_visible(show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path) -> None:
    """A rehearsal, a key of nobody's, no signature: each at the top, also where all figures are right."""
    verdict = ranking.provenance.verdict.model_copy(update={"rehearsal": True})
    files = ranking.provenance.files | {"verdict": sha(verdict.to_json())}
    found = replace(ranking.provenance, verdict=verdict, files=files)
    rehearsed = replace(ranking, provenance=found, verdict_bytes=verdict.to_json().encode())
    envelope = seal(rehearsed.verdict_bytes, make_key(tmp_path, "ed25519"))
    for text, titles in (
        (sealed(rehearsed, envelope, None), ["Nobody's key.", "Rehearsal."]),
        (render_report(rehearsed), ["Rehearsal."]),
        (sealed(ranking, envelope), ["No signature to rely on."]),
    ):
        page = show(text)
        page.evaluate(READ)
        assert page.locator("#judge-standing li b").all_inner_texts() == titles
        assert page.locator(f"{LINE}.good").count() == 0
        assert ("Not signed." in page.locator(f"{LINE} b.signed").all_inner_texts()) == (titles == ["Rehearsal."])


def test_what_is_no_valid_signature_is_never_called_one(show: Callable[..., Page], ranking: ReportInputs, tmp_path: Path) -> None:
    """Another verdict's, another payload, another namespace, a key that is not checked here, none, and rubbish."""
    key = make_key(tmp_path, "ed25519")
    good = seal(ranking.verdict_bytes, key)
    others = seal(b"{}", key)
    signature = good["signatures"][0]
    flipped = bytearray(base64.b64decode(signature["sig"]))
    flipped[-1] ^= 1
    told = {
        "is of another verdict": others,
        "does not hold": good | {"payload": others["payload"]},
        "does not hold: ": good | {"signatures": [signature | {"sig": base64.b64encode(flipped).decode()}]},
        "made for file": seal(ranking.verdict_bytes, key, namespace="file"),
        "another key": good | {"signatures": [signature | {"keyid": "SHA256:other"}]},
        "is not checked by this page": seal(ranking.verdict_bytes, make_key(tmp_path, "ecdsa")),
        "0 signatures": good | {"signatures": []},
        "cut off": good | {"signatures": [signature | {"sig": signature["sig"][:80]}]},
        "cannot be read": good | {"payload": 7},
    }
    for words, envelope in told.items():
        found = show(sealed(ranking, envelope)).evaluate(READ)
        assert (found["state"] in ("broken", "unknown"), words.strip() in found["text"]) == (True, True), (words, found["text"])


def test_margin_slider_works_by_keyboard(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """From the declared margin down to where the verdict turns, and back; the turn is told in words."""
    page = show(render_report(ranking))
    slider = page.get_by_label(re.compile("^ranking"))
    told = page.locator("#judge-whatif [role=status]")
    declared = told.inner_text()
    assert declared.startswith("As declared: ")
    assert "from there to" in page.locator(".judge-turns").first.inner_text()
    slider.focus()
    page.keyboard.press("Home")
    assert "With ranking moved: reject, where the verdict is" in told.inner_text()
    assert "decision reject" in (slider.get_attribute("aria-valuetext") or "")
    page.get_by_role("button", name="Back to what was declared").press("Enter")
    assert told.inner_text() == declared


def test_a_page_that_cannot_judge_itself_says_so(show: Callable[..., Page], ranking: ReportInputs) -> None:
    """Sums that cannot be read are no agreement."""
    page = render_report(ranking)
    at = page.index('id="judge-blocks">') + len('id="judge-blocks">')
    told = show(page[:at] + "{" + page[at + 200 :]).locator(LINE).inner_text()
    assert "could not judge itself" in told
    assert "Nothing was checked" in told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_it_says_can_be_read(chromium: Browser, ranking: ReportInputs, tmp_path: Path, scheme: Any) -> None:
    """On a phone nothing runs off the side, a slider is as wide as the page, and every text has contrast, of an edited page too."""
    path = tmp_path / "report.html"
    path.write_text(render_report(ranking).replace('data-figure="3.n">', 'data-figure="3.n">1'))
    page = chromium.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.goto(path.as_uri())
    page.evaluate("judged")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = page.locator("#judge-margin-0").bounding_box()
    assert box is not None
    assert 250 < box["width"] <= 360
    found = page.evaluate(READ_COLOURS)
    weak = {one["text"] for one in found if contrast(one["colour"], one["background"]) < LEAST_CONTRAST}
    assert len(found) > 200
    assert weak == set()
    page.close()


def test_no_other_script_runs(chromium: Browser, ranking: ReportInputs, tmp_path: Path) -> None:
    """The page's policy names its own script by hash: one that is slipped in is refused."""
    path = tmp_path / "report.html"
    path.write_text(render_report(ranking).replace("<main>", "<main><script>document.title = 'owned'</script>"))
    page = chromium.new_page()
    page.goto(path.as_uri())
    assert page.title() != "owned"
    page.close()
