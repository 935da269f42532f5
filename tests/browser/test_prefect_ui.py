"""Prefect's own pages in a real browser, as `windtunnel up` serves them: they show our flows and ask no outside host."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

sys.path.append(str(Path(__file__).resolve().parents[1] / "flows"))
from server_api import Api
from small_project import call, environment, make_small_project
from toy_project import make_toy

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
TOY_RUN = """
from pathlib import Path
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from flows.stage_runner import run_stages

@flow(name="toy")
def toy():
    run_stages(Path.cwd())
    create_markdown_artifact("## Promote: better everywhere", key="verdict")

toy()
"""


@dataclass(frozen=True)
class Shown:
    """A server with deployments, and one run with its artifacts."""

    api: Api
    run: str

    @property
    def address(self) -> str:
        return self.api.url.removesuffix("/api")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """`windtunnel up` on a project, and a run of a toy's stages on its server."""
    folder = make_small_project(tmp_path_factory.mktemp("shown") / "project")
    toy = make_toy(tmp_path_factory.mktemp("toy") / "toy")
    try:
        api = Api(json.loads(call(folder, "windtunnel", "up", "--port", "0", "--json").stdout)["api"])
        subprocess.run([sys.executable, "-c", TOY_RUN], cwd=toy, env=environment(PREFECT_API_URL=api.url), check=True)
        wanted = {"flows": {"name": {"any_": ["toy"]}}}
        yield Shown(api, api.ask("POST", "/flow_runs/filter", wanted)[0]["id"])
    finally:
        call(folder, "windtunnel", "down")


@pytest.fixture
def visit(chromium: Browser, shown: Shown) -> Iterator[Callable[[str], Page]]:
    """Opens a page of the UI; fails the test on any request that leaves this machine, of whatever kind."""
    outside: list[str] = []

    def record(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.hostname not in LOOPBACK:
            outside.append(address)

    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.on("request", lambda request: record(request.url))

    def show(path: str) -> Page:
        page = context.new_page()
        page.on("websocket", lambda socket: record(socket.url))
        page.goto(shown.address + path)
        return page

    yield show
    for page in context.pages:
        page.wait_for_load_state("load")
    context.close()
    assert outside == []


def test_deployments_page_lists_the_flows_and_the_schedule(visit: Callable[[str], Page]) -> None:
    """Every flow, and when the refresh runs."""
    page = visit("/deployments")
    for name in ("refresh_data", "evaluate_candidate", "release_gate", "promote_model"):
        page.get_by_text(name, exact=True).first.wait_for()
    page.get_by_text("At 03:00 AM every day").wait_for()


def test_form_explains_its_parameters(visit: Callable[[str], Page], shown: Shown) -> None:
    """The form of a refresh offers a date and time, and says what it means."""
    page = visit(f"/deployments/deployment/{shown.api.deployments()['refresh_data']['id']}/run")
    page.get_by_text("as_of_utc").wait_for()
    page.get_by_text("The moment at which production is looked at").wait_for()
    page.get_by_text("date-time", exact=True).wait_for()


def test_run_page_lists_the_stages(visit: Callable[[str], Page], shown: Shown) -> None:
    """Each stage is a task of the run, under its own name."""
    page = visit(f"/runs/flow-run/{shown.run}?tab=TaskRuns")
    stages = shown.api.tasks(shown.run)
    assert "third" in stages
    for stage in stages:
        page.get_by_text(stage, exact=True).first.wait_for()
    page.get_by_text("Completed").first.wait_for()


def test_artifact_pages_show_outputs_and_verdict(visit: Callable[[str], Page], shown: Shown) -> None:
    """A stage's table names its outputs with their hash; the verdict is rendered."""
    artifacts = shown.api.artifacts(shown.run)
    key, table = next((key, artifact) for key, artifact in artifacts.items() if artifact["type"] == "table")
    page = visit(f"/artifacts/artifact/{table['id']}")
    page.get_by_text(json.loads(table["data"])[0]["md5"]).first.wait_for()
    assert key.startswith("stage-")
    page = visit(f"/artifacts/artifact/{artifacts['verdict']['id']}")
    page.get_by_role("heading", name="Promote: better everywhere").wait_for()
