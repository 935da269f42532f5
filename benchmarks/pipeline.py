"""The whole pipeline on the full demo: each stage, an unchanged run, one more day, and the demo as a user meets it."""

import json
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Cost, environment, measure, median, print_table

ANY_VERDICT = (0, 1, 2, 3)
REFRESHED = ("snapshot", "validate_raw", "mask", "validate_masked", "split@by_time", "split@by_aircraft", "validate_splits")
_REPEATS = 3
_LOAD_ENGINE = ("python", "-c", "from tasks.validation.lean_import import import_great_expectations as load; load()")
"""As ``tasks.validation.engine`` does."""


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


def one_trial(project: Path) -> None:
    """`windtunnel try` on the project's data."""
    cost = median([measure(["windtunnel", "try", "examples/calibrated.py"], project, codes=ANY_VERDICT) for _ in range(_REPEATS)])
    print_table("A trial", ["what", "CPU s", "wall s", "peak MB", "aim"], [_row("windtunnel try", cost, "15 s wall")])


def the_lake(scratch: Path) -> None:
    """`windtunnel demo-lake`: the demo's production, without a pipeline."""
    cost = measure(["windtunnel", "demo-lake"], clone(scratch / "lake"))
    print_table("The demo's lake, a part of the demo", ["what", "CPU s", "wall s", "peak MB"], [_row("windtunnel demo-lake", cost)])


def each_stage(project: Path) -> list[str]:
    """Every stage forced once on the full demo year so far; returns their addresses in order."""
    env = environment()
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only"], cwd=project, env=env, capture_output=True, text=True, check=True
    ).stdout.split()
    rows = []
    for address in listed:
        for name in _kept_by(address):
            kept = project / name
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink(missing_ok=True)
        rows.append(_row(address, measure(["dvc", "repro", "--force", "--single-item", address], project, env)))
    print_table("Each stage on the full demo (DVC's own start and imports included)", ["stage", "CPU s", "wall s", "peak MB"], rows)
    return listed


def _kept_by(address: str) -> tuple[str, ...]:
    """What a stage would otherwise leave alone because it is unchanged."""
    kept = {"snapshot": "data/snapshots", "mask": "data/masked", "features": "data/features"}
    if address.startswith("split@"):
        return (f"data/splits/{address.removeprefix('split@')}",)
    if address.startswith("validate_"):
        return (f"data/validation/{address.removeprefix('validate_')}.json",)
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
    """The stages of a refresh, each as its own command: first run, nothing changed, and one more day, with what starting takes."""
    env = environment()
    fresh = clone(scratch / "first")
    shutil.copytree(project / ".windtunnel/demo-lake", fresh / ".windtunnel/demo-lake")
    shutil.copy2(project / ".windtunnel/masking.key", fresh / ".windtunnel/masking.key")
    subprocess.run(["windtunnel", "pin"], cwd=fresh, env=env, check=True, capture_output=True)
    first = _run_refreshed(fresh)
    idle = [_run_refreshed(fresh) for _ in range(_REPEATS)]
    subprocess.run(["windtunnel", "demo-lake", "--as-of", "2013-11-01"], cwd=fresh, env=env, check=True, capture_output=True)
    params = fresh / "params.yaml"
    params.write_text(params.read_text().replace("2013-10-31T00:00:00Z", "2013-11-01T00:00:00Z"))
    subprocess.run(["windtunnel", "pin"], cwd=fresh, env=env, check=True, capture_output=True)
    before = Path(shutil.copytree(fresh / "data", scratch / "data-before"))
    later, start, engine = [], [], []
    for _ in range(_REPEATS):
        shutil.rmtree(fresh / "data")
        shutil.copytree(before, fresh / "data")
        later.append(_run_refreshed(fresh))
        start.append({name: _start(name, fresh) for name in REFRESHED})
        engine.append(measure(_LOAD_ENGINE, fresh, env).cpu_seconds)
    _print_refresh(first, _medians(idle), _medians(later), _medians(start), statistics.median(engine))


def _words(stage: str) -> list[str]:
    return stage.replace("split@", "split ").replace("validate_", "validate ").split()


def _run_refreshed(folder: Path) -> dict[str, float]:
    return {name: measure(["python", "-m", "tasks", *_words(name)], folder).cpu_seconds for name in REFRESHED}


def _medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in REFRESHED}


def _start(stage: str, folder: Path) -> float:
    """CPU seconds of the interpreter with everything imported that the stage imports before it looks at any data."""
    source = f"import tasks.__main__; from tasks.stages import load_stage; load_stage({_words(stage)[0]!r})"
    return measure(["python", "-c", source], folder).cpu_seconds


def _print_refresh(
    first: Mapping[str, float], idle: Mapping[str, float], later: Mapping[str, float], start: Mapping[str, float], engine: float
) -> None:
    """One line a stage and their sums: with the engine's import as start-up of each run that examines anything, and as work."""
    rows = []
    totals = [0.0] * 5
    for name in REFRESHED:
        loads = engine if name.startswith("validate") else 0.0
        work, more = first[name] - start[name] - loads, later[name] - start[name] - loads
        figures = [first[name], idle[name], later[name], work, more]
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        rows.append([name, *(f"{figure:.2f}" for figure in figures[:3]), f"{start[name] + loads:.2f}", f"{more / work:.2f}"])
    whole, loaded = totals[0] - totals[3], engine * sum(name.startswith("validate") for name in REFRESHED)
    sums = [f"{total:.2f}" for total in totals[:3]]
    rows.append(["together", *sums, f"{whole:.2f}", f"{totals[4] / totals[3]:.2f}"])
    as_work = (totals[4] + loaded) / (totals[3] + loaded)
    rows.append(["the same, with that import as work", *sums, f"{whole - loaded:.2f}", f"{as_work:.2f}"])
    head = ["stage", "first, CPU s", "nothing changed", "one more day", "of it start", "more / first, beyond start"]
    print_table(f"A refresh with one more day (aim: 0.1 together; importing Great Expectations: {engine:.2f})", head, rows)
