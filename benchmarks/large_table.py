"""A large CSV from `windtunnel init` to the verdict, stage by stage: `python -m benchmarks.large_table --rows 5000000`."""

# The table is made by statements of names and numbers of this module.
# ruff: noqa: S608

import argparse
import subprocess
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measure import environment, measure, print_table

_ROWS = 300_000


def large_table(scratch: Path, rows: int = _ROWS) -> None:
    """Peak memory of the largest process, CPU and wall seconds of each step on ``rows`` rows x 30 columns in one CSV."""
    lake = scratch / "lake" / "orders"
    lake.mkdir(parents=True)
    write_orders(lake / "part-0.csv", rows)
    env = environment(HOME=str(scratch), XDG_CONFIG_HOME=str(scratch / "settings"))
    init = ["windtunnel", "init", "--into", "own", "--lake", str(lake.parent), "--label", "churned"]
    costs = {"init": measure(init, scratch, env)}
    project = scratch / "own"
    costs["pin"] = measure(["windtunnel", "pin"], project, env)
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only"], cwd=project, env=env, capture_output=True, text=True, check=True
    )
    for stage in listed.stdout.split():
        words = stage.replace("@", " ").replace("validate_", "validate ").split()
        costs[stage] = measure(["windtunnel", "stage", *words], project, env)
    print_table(
        f"{rows:,} rows x 30 columns of CSV, {(lake / 'part-0.csv').stat().st_size / 2**20:,.0f} MB, to a verdict",
        ["step", "peak MB", "CPU s", "wall s"],
        [[name, f"{cost.peak_mb:,.0f}", f"{cost.cpu_seconds:.1f}", f"{cost.wall_seconds:.1f}"] for name, cost in costs.items()],
    )


def write_orders(path: Path, rows: int) -> None:
    """Orders over 700 days: key, customer, time, numbers, texts, gaps, a label that can be learned, production's score."""

    def even(salt: int) -> str:
        return f"(hash(i * 31 + {salt}) % 1000003) / 1000003.0"

    columns = {
        "order_id": "'O' || lpad(i::VARCHAR, 9, '0')",
        "customer_id": f"'C' || (hash(i * 7) % {rows // 20 + 50})::VARCHAR",
        "ordered_at": f"TIMESTAMP '2023-01-01' + to_seconds(i * {700 * 86_400} // {rows})",
        **{f"num_{n}": f"round(({even(n)} + {even(n + 50)} + {even(n + 90)} - 1.5) * 2, 6)" for n in range(10)},
        **{f"int_{n}": f"(hash(i * 13 + {n}) % {10 ** (1 + n % 5)})::BIGINT" for n in range(1, 7)},
        **{f"colour_{n}": f"['red', 'green', 'blue', 'violet', 'orange'][1 + (hash(i * 17 + {n}) % 5)::INT]" for n in range(2)},
        "store": "'store ' || (hash(i * 19) % 400)::VARCHAR",
        "city": "'city-' || (hash(i * 23) % 3000)::VARCHAR",
        "age": "CASE WHEN hash(i * 29) % 10 <> 0 THEN hash(i * 37) % 80 + 18 END",
        "is_new": "(hash(i * 41) % 2)::BOOLEAN",
        "joined_on": "DATE '2019-01-01' + (hash(i * 59) % 1400)::INT",
        "zip": "(20000 + hash(i * 43) % 80000)::VARCHAR",
        "price": "CASE WHEN hash(i * 47) % 4 <> 0 THEN round(hash(i * 53) % 100000 / 100.0, 2) END",
    }
    chance = "1 / (1 + exp(1.5 - num_0 - 0.7 * num_1 + 0.5 * num_2 * num_3 - int_1 / 10.0))"
    score = f"round(1 / (1 + exp(1 - 0.8 * num_0 - 0.5 * num_1 - {even(1234)})), 6)"
    features = f"SELECT i, {', '.join(f'{value} AS {name}' for name, value in columns.items())} FROM range({rows}) t(i)"
    query = f"SELECT * EXCLUDE (i), ({even(999)} < {chance})::INT AS churned, {score} AS model_score FROM ({features})"
    with duckdb.connect() as con:
        con.execute(f"COPY ({query}) TO '{path}' (HEADER)")


def main() -> None:
    """Measure in a temporary folder, on as many rows as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS)
    with tempfile.TemporaryDirectory(prefix="windtunnel-bench-") as name:
        large_table(Path(name), parser.parse_args().rows)


if __name__ == "__main__":
    main()
