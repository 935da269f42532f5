"""The whole pipeline on the full demo: each stage, an unchanged run, one more day, and the demo as a user meets it."""

import json
import shutil
import subprocess
from pathlib import Path

from benchmarks.measure import Cost, environment, measure, median, print_table

ANY_VERDICT = (0, 1, 2, 3)
REFRESHED = ("snapshot", "validate_raw", "mask", "validate_masked", "split@by_time", "split@by_aircraft", "validate_splits")
_REPEATS = 5


def clone(folder: Path) -> Path:
    """HEAD of this checkout as a project of its own."""
    subprocess.run(["git", "clone", "-q", str(Path.cwd()), str(folder)], check=True)
    return folder


def empty_pipeline(folder: Path, stages: int) -> Path:
    """A chain of ``stages`` stages that do nothing, run once: the least that DVC can take."""
    folder.mkdir()
    (folder / "s0.txt").write_text("0")
    lines = [f"  s{i}: {{cmd: 'cp s{i - 1}.txt s{i}.txt', deps: [s{i - 1}.txt], outs: [s{i}.txt]}}" for i in range(1, stages + 1)]
    (folder / "dvc.yaml").write_text("stages:\n" + "\n".join(lines) + "\n")
    for command in (["dvc", "init", "--no-scm", "-q"], ["dvc", "repro", "-q"]):
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    return folder


def _row(name: str, cost: Cost, *more: str) -> list[str]:
    return [name, f"{cost.cpu_seconds:.1f}", f"{cost.wall_seconds:.1f}", f"{cost.peak_mb:.0f}", *more]


def whole_demo(folder: Path) -> None:
    """`windtunnel demo` from a fresh clone, installed."""
    cost = measure(["windtunnel", "demo"], clone(folder))
    print_table(
        "The whole demo after installation",
        ["what", "CPU s", "wall s", "peak MB", "aim"],
        [_row("windtunnel demo", cost, "120 s wall, 2,000 MB")],
    )


def each_stage(project: Path) -> list[str]:
    """Every stage forced once on the full demo year so far; returns their addresses in order."""
    env = environment()
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only"], cwd=project, env=env, capture_output=True, text=True, check=True
    ).stdout.split()
    rows = []
    for address in listed:
        for folder in _partitions_of(address):
            shutil.rmtree(project / folder, ignore_errors=True)
        rows.append(_row(address, measure(["dvc", "repro", "--force", "--single-item", address], project, env)))
    print_table(
        "Each stage on the full demo (DVC's own 0.9 CPU s and imports included)", ["stage", "CPU s", "wall s", "peak MB"], rows
    )
    return listed


def _partitions_of(address: str) -> tuple[str, ...]:
    """What a stage would otherwise leave alone because it is unchanged."""
    kept = {"snapshot": "data/snapshots", "mask": "data/masked", "features": "data/features"}
    if address.startswith("split@"):
        return (f"data/splits/{address.removeprefix('split@')}",)
    if address.startswith("validate_"):
        return ()
    return (kept[address],) if address in kept else ()


def unchanged_run(project: Path, scratch: Path, stages: int) -> None:
    """Nothing has changed: `dvc repro` and `windtunnel run` against `dvc repro` of an empty pipeline, interleaved."""
    peer = empty_pipeline(scratch / "empty", stages)
    start = measure(["windtunnel", "up", "--port", "0"], project)
    try:
        api = json.loads((project / ".windtunnel/server/server.json").read_text())["api_url"]
        with_server = environment(PREFECT_API_URL=api)
        empty_flow = ["python", "-c", "from prefect import flow\n@flow\ndef nothing(): pass\nnothing()"]
        costs: dict[str, list[Cost]] = {"ours": [], "peer": [], "run": [], "prefect": []}
        for _ in range(_REPEATS):
            costs["peer"].append(measure(["dvc", "repro"], peer))
            costs["ours"].append(measure(["dvc", "repro"], project))
            costs["run"].append(measure(["windtunnel", "run"], project, with_server, ANY_VERDICT))
            costs["prefect"].append(measure(empty_flow, project, with_server))
    finally:
        measure(["windtunnel", "down"], project)
    middle = {name: median(found) for name, found in costs.items()}
    base = middle["peer"].cpu_seconds

    def ratio(cpu_seconds: float) -> str:
        return f"{cpu_seconds / base:.2f}"

    rows = [
        _row(f"dvc repro, empty pipeline of {stages} (peer)", middle["peer"], "1.00"),
        _row("dvc repro, ours", middle["ours"], ratio(middle["ours"].cpu_seconds)),
        _row("windtunnel run, server up", middle["run"], ratio(middle["run"].cpu_seconds)),
        _row("an empty Prefect flow, server up", middle["prefect"], ratio(middle["prefect"].cpu_seconds)),
        ["windtunnel run less the empty flow", "", "", "", ratio(middle["run"].cpu_seconds - middle["prefect"].cpu_seconds)],
        _row("windtunnel up: server, deployments, worker", start, "once"),
    ]
    print_table(
        "An unchanged run (aim: 1.5 of the peer, Prefect's start apart)",
        ["what", "CPU s", "wall s", "peak MB", "of the peer"],
        rows,
    )


def one_more_day(project: Path, scratch: Path) -> None:
    """The stages of a refresh: first run, nothing changed, and one more day, each beyond what starting them takes."""
    env = environment()
    first: dict[str, Cost] = {}
    fresh = clone(scratch / "first")
    shutil.copytree(project / ".windtunnel/demo-lake", fresh / ".windtunnel/demo-lake")
    shutil.copy2(project / ".windtunnel/masking.key", fresh / ".windtunnel/masking.key")
    subprocess.run(["windtunnel", "pin"], cwd=fresh, env=env, check=True, capture_output=True)

    def run_all() -> dict[str, Cost]:
        words = {name: name.replace("split@", "split ").replace("validate_", "validate ").split() for name in REFRESHED}
        return {name: measure(["python", "-m", "tasks", *words[name]], fresh, env) for name in REFRESHED}

    first = run_all()
    idle = run_all()
    subprocess.run(["windtunnel", "demo-lake", "--as-of", "2013-11-01"], cwd=fresh, env=env, check=True, capture_output=True)
    params = fresh / "params.yaml"
    params.write_text(params.read_text().replace("2013-10-31T00:00:00Z", "2013-11-01T00:00:00Z"))
    subprocess.run(["windtunnel", "pin"], cwd=fresh, env=env, check=True, capture_output=True)
    later = run_all()
    rows = []
    for name in REFRESHED:
        work, more = first[name].cpu_seconds - idle[name].cpu_seconds, later[name].cpu_seconds - idle[name].cpu_seconds
        rows.append(
            [
                name,
                f"{first[name].cpu_seconds:.1f}",
                f"{idle[name].cpu_seconds:.1f}",
                f"{later[name].cpu_seconds:.1f}",
                f"{more / work:.2f}",
            ]
        )
    sums = [sum(costs[name].cpu_seconds for name in REFRESHED) for costs in (first, idle, later)]
    rows.append(["together", *(f"{total:.1f}" for total in sums), f"{(sums[2] - sums[1]) / (sums[0] - sums[1]):.2f}"])
    head = ["stage", "first, CPU s", "nothing changed", "one more day", "more / first, beyond start"]
    print_table("A refresh with one more day (aim: 0.1 together)", head, rows)
