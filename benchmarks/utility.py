"""The utility certificate on the demo, beside the stage that computes the features of its masked rows."""

from pathlib import Path

from benchmarks.measure import measure, median, print_table

_REPEATS = 3


def utility_certificate(project: Path) -> None:
    """Both stages as commands of their own, in turn: reading raw and masked rows, two panels of models, distances of columns."""
    peer, own = [], []
    for _ in range(_REPEATS):
        peer.append(measure(["python", "-m", "tasks", "features"], project))
        own.append(measure(["python", "-m", "tasks", "utility"], project))
    found = {"features (peer)": median(peer), "utility": median(own)}
    base = found["features (peer)"].cpu_seconds
    rows = [
        [
            name,
            f"{cost.cpu_seconds:.1f}",
            f"{cost.peak_mb:.0f}",
            f"{cost.cpu_seconds / base:.2f}",
            "12 CPU s" if name == "utility" else "",
        ]
        for name, cost in found.items()
    ]
    print_table("The utility certificate of the demo (280,162 rows)", ["stage", "CPU s", "peak MB", "of the peer", "aim"], rows)
