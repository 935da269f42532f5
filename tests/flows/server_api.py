"""What the tests ask a running Prefect server, over HTTP as its UI does; waiting is bounded."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from processes import wait_until

FINAL = {"Completed", "Failed", "Crashed", "Cancelled"}


def _answer(request: urllib.request.Request) -> bytes | None:
    """The answer, a space where it is empty; None where SQLite is busy, after which Prefect's own clients ask again too."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read()) or b" "
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        error.close()
        return None


@dataclass(frozen=True)
class Api:
    """A Prefect API at ``url``."""

    url: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; None where it is empty."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=content, headers={"Content-Type": "application/json"})
        text = wait_until(f"{path} is answered", lambda: _answer(request))
        return json.loads(text) if text.strip() else None

    def deployments(self) -> dict[str, Any]:
        """Every deployment by its name."""
        return {found["name"]: found for found in self.ask("POST", "/deployments/filter", {})}

    def start(self, deployment: str, **parameters: Any) -> str:
        """Start a run of ``deployment``, as the UI does; returns its id."""
        path = f"/deployments/{self.deployments()[deployment]['id']}/create_flow_run"
        return str(self.ask("POST", path, {"parameters": parameters, "state": {"type": "SCHEDULED"}})["id"])

    def run(self, run: str) -> Any:
        """A flow run."""
        return self.ask("GET", f"/flow_runs/{run}")

    def finish(self, run: str) -> str:
        """The name of the state that a flow run ends in."""
        return str(wait_until(f"run {run} ends", lambda: (name := self.run(run)["state"]["name"]) in FINAL and name))

    def tasks(self, run: str) -> dict[str, Any]:
        """The task runs of a flow run by their name."""
        found = self.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        return {task["name"]: task for task in found}

    def wait_for_task(self, run: str, task: str, state: str) -> None:
        """Wait until a task of a flow run is in ``state``."""

        def look() -> bool:  # a task run that was only just created has no state yet
            found = self.tasks(run).get(task)
            return bool(found and found["state"] and found["state"]["name"] == state)

        wait_until(f"{task} is {state}", look)

    def artifacts(self, run: str) -> dict[str, Any]:
        """The artifacts of a flow run by their key."""
        found = self.ask("POST", "/artifacts/filter", {"flow_runs": {"id": {"any_": [run]}}})
        return {artifact["key"]: artifact for artifact in found}

    def log(self, run: str) -> str:
        """All that a flow run and its tasks have logged."""
        wanted = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200, "sort": "TIMESTAMP_ASC"}
        return "\n".join(line["message"] for line in self.ask("POST", "/logs/filter", wanted))

    def events(self, name: str) -> list[Any]:
        """All events ``name``, newest first."""
        return list(self.ask("POST", "/events/filter", {"filter": {"event": {"name": [name]}}})["events"])

    def wait_for_event(self, name: str, **payload: str) -> Any:
        """The newest event ``name`` whose payload holds ``payload``."""

        def look() -> Any:
            return next((e for e in self.events(name) if payload.items() <= e["payload"].items()), None)

        return wait_until(f"event {name} {payload}", look)
