"""A headless Chromium for page tests: found on the machine, with everything that phones home switched off."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from judged_pages import NOW
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit" / "reporting"))

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium; without one the tests are skipped here and fail in CI, where it must be installed."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        reason = "no Chromium found: apt-get install chromium"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a page from a file, by a clock of one's own; fails the test on any console message, page error, or other request."""
    context, heard = chromium.new_context(viewport={"width": 1280, "height": 800}), []

    def opened(text: str, now: str = NOW) -> Page:
        path = tmp_path / "report.html"
        path.write_text(text)
        page = context.new_page()
        page.clock.set_fixed_time(now)
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("request", lambda request: heard.append(request.url) if _is_other(request.url, path) else None)
        page.goto(path.as_uri())
        return page

    yield opened
    context.close()
    assert heard == []


def _is_other(url: str, path: Path) -> bool:
    return url != path.as_uri() and not url.startswith("data:")
