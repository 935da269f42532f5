"""The report in a real browser: silent, offline, readable on a phone and in the dark, the decision on the first screen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from verdict_stories import HOSTILE, STORIES, story_inputs, with_names

from tasks.reporting import render_report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCREEN = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of ordinary size; asked of all text here."""

# Every element that shows text of its own, with the colours that a reader sees: its own (an SVG text's fill) over the nearest
# opaque background behind it. Composites translucent layers, as the page may have them.
READ_COLOURS = """() => {
  const parse = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return parts.length > 3 ? parts : [...parts, 1];
  };
  const over = (top, under) => top.slice(0, 3).map((value, i) => value * top[3] + under[i] * (1 - top[3])).concat([1]);
  const backgroundOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const background = backgroundOf(element);
    const colour = over(parse(element.namespaceURI.endsWith('svg') ? style.fill : style.color), background);
    found.push({text: element.textContent.trim().slice(0, 40), colour, background});
  }
  return found;
}"""


def luminance(colour: list[float]) -> float:
    """Relative luminance of an sRGB colour with channels 0 to 255 (WCAG 2.2, definition)."""
    channels = [value / 255 for value in colour[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every story's page, and one full of hostile names, as files."""
    folder = tmp_path_factory.mktemp("reports")
    texts = {story: render_report(story_inputs(story)) for story in STORIES}
    texts["hostile"] = render_report(with_names(story_inputs("reject"), HOSTILE))
    texts["long_names"] = render_report(with_names(story_inputs("reject"), "an_unbreakably_long_name_" * 8))
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture
def open_page(chromium: Browser, pages: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Opens a story's page; fails the test on any console message, page error, or request for anything but the file itself."""
    contexts, heard = [], []

    def show(story: str, **options: object) -> Page:
        context = chromium.new_context(**{"viewport": SCREEN, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("request", lambda request: heard.append(f"request: {request.url}") if not _is_own(request.url) else None)
        page.goto(pages[story].as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert heard == []


def _is_own(url: str) -> bool:
    return url.startswith("data:") or (url.startswith("file://") and url.endswith(".html"))


def _open_all(page: Page) -> None:
    """Unfold every section, so that what is folded away is tested too."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("story", [*STORIES, "hostile"])
def test_page_is_silent_and_asks_for_nothing(open_page: Callable[..., Page], story: str) -> None:
    """No console message, no error, no request beside the file, also when everything is unfolded and scrolled through."""
    page = open_page(story)
    _open_all(page)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    assert page.title().startswith(page.locator("h1 .decision").inner_text().strip().rstrip(":"))


@pytest.mark.parametrize("story", STORIES)
def test_page_is_under_three_megabytes(pages: dict[str, Path], story: str) -> None:
    """Small enough for a mail."""
    assert 10_000 < pages[story].stat().st_size < 3_000_000


@pytest.mark.parametrize("story", [*STORIES, "hostile", "long_names"])
@pytest.mark.parametrize("width", [360, 768])
def test_page_never_scrolls_sideways(open_page: Callable[..., Page], story: str, width: int) -> None:
    """Wide tables scroll in their own box; the page does not, on a phone and on a tablet."""
    page = open_page(story, viewport={"width": width, "height": 740})
    _open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        "[...document.body.querySelectorAll('*')].filter(e => !e.closest('.scroll, .skip, svg') && e.checkVisibility()"
        " && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []


@pytest.mark.parametrize("story", STORIES)
def test_first_screen_holds_what_a_director_needs(open_page: Callable[..., Page], story: str) -> None:
    """Decision and why, what decided, what is not shown, and the next step, all within 1280 by 800, without scrolling."""
    page = open_page(story)
    for selector in ("h1 .decision", "#next code", ".decided a[href^='#criterion']", ".decided", ".limits", "nav"):
        box = page.locator(selector).first.bounding_box()
        assert box is not None, selector
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= SCREEN["height"], selector


@pytest.mark.parametrize("story", ["reject", "promote", "inconclusive", "slightly_worse"])
def test_first_screen_draws_a_difference_against_its_margin(open_page: Callable[..., Page], story: str) -> None:
    """At least one interval with its limit, inside the first screen, and text that says the same."""
    page = open_page(story)
    track = page.locator(".decided svg.track").first
    box = track.bounding_box()
    assert box is not None
    assert box["width"] > 150
    assert box["y"] + box["height"] < SCREEN["height"]
    assert track.locator("line.limit").count() == 1
    assert track.locator("line.whisker").count() >= 1
    assert "limit" in (track.get_attribute("aria-label") or "")


def test_phone_shows_decision_and_next_step_at_once(open_page: Callable[..., Page]) -> None:
    """Also on 360 by 740 the sentence, the next step and the first interval need no scrolling."""
    page = open_page("reject", viewport=PHONE)
    for selector in ("h1", "#next", ".decided svg.track"):
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= PHONE["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("story", ["reject", "inconclusive", "not_judged", "failed_validation", "rubber_stamp"])
def test_all_text_has_contrast(open_page: Callable[..., Page], story: str, scheme: str) -> None:
    """Every text, folded ones and those in drawings included, reaches 4.5 to 1 against what lies behind it."""
    page = open_page(story, color_scheme=scheme)
    _open_all(page)
    found = page.evaluate(READ_COLOURS)
    weak = {f["text"]: round(contrast(f["colour"], f["background"]), 2) for f in found}
    assert len(found) > 200
    assert {text: ratio for text, ratio in weak.items() if ratio < LEAST_CONTRAST} == {}


def test_dark_mode_is_dark(open_page: Callable[..., Page]) -> None:
    """The page follows the reader's setting, and paper stays white."""
    page = open_page("reject", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"
    assert luminance(page.evaluate(background)) < 0.05
    page.emulate_media(media="print")
    assert luminance(page.evaluate(background)) > 0.9


@pytest.mark.parametrize("story", ["reject", "inconclusive"])
def test_page_fits_on_paper(open_page: Callable[..., Page], story: str) -> None:
    """On A4 upright nothing runs off the right edge, and what is folded away on a screen is printed."""
    page = open_page(story, viewport={"width": 695, "height": 1000})
    page.emulate_media(media="print")
    widest = "Math.max(...[...document.querySelectorAll('table, svg, p, dl')].map(e => e.getBoundingClientRect().right))"
    assert page.evaluate(widest) <= 695
    assert page.evaluate("document.documentElement.scrollWidth") <= 695
    printed = page.pdf(format="A4", print_background=True)
    _open_all(page)
    assert len(printed) > 0.9 * len(page.pdf(format="A4", print_background=True))


def test_page_works_without_javascript(open_page: Callable[..., Page]) -> None:
    """Folding and links are the browser's own: a click unfolds, an anchor leads to its row."""
    page = open_page("reject", java_script_enabled=False)
    summary = page.locator("summary", has_text="Calibration bins")
    bins = page.get_by_role("region", name="Calibration bins")
    assert not bins.is_visible()
    summary.click()
    assert bins.is_visible()
    page.locator(".decided a[href^='#criterion']").first.click()
    assert page.url.partition("#")[2].startswith("criterion-")


def test_wide_tables_can_be_scrolled_by_keyboard(open_page: Callable[..., Page]) -> None:
    """A box that scrolls can be focused and has a name."""
    page = open_page("reject", viewport=PHONE)
    boxes = page.locator(".scroll")
    assert boxes.count() > 5
    for box in boxes.all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")


def test_a_name_from_data_never_runs(open_page: Callable[..., Page]) -> None:
    """Hostile names are shown as text: no element of theirs exists."""
    page = open_page("hostile")
    assert page.locator("img").count() == 0
    assert page.locator("script").evaluate_all("found => found.map(one => one.id)") == [
        "judge-verdict",
        "judge-blocks",
        "judge-seal",
        "",
    ]
    assert "<script>" in page.locator(".decided").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_status_is_told_without_colour(open_page: Callable[..., Page], scheme: str) -> None:
    """Each coloured status carries its word and an icon."""
    page = open_page("reject", color_scheme=scheme)
    for status in page.locator("#criteria .status").all():
        assert status.inner_text().strip() in ("pass", "fail", "inconclusive", "not judged")
        assert status.locator("svg.icon").count() == 1
