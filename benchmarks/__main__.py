"""All benchmarks, in order: `make bench`."""

import os
import tempfile
from pathlib import Path

from benchmarks.detection import looking_for_people
from benchmarks.disclosure import disclosure_risk
from benchmarks.gate_claims import claims
from benchmarks.gate_discovery import searches
from benchmarks.gate_families import families
from benchmarks.gate_fool import cheats_and_rules
from benchmarks.gate_looks import gate_looks
from benchmarks.gate_monitoring import monitoring
from benchmarks.gate_planning import gate_planning
from benchmarks.gate_simulation import gate_errors
from benchmarks.gate_speed import gate_speed
from benchmarks.large_table import large_table
from benchmarks.leak_search import leak_search
from benchmarks.masking_bookings import growth, whole_policy
from benchmarks.masking_ff1 import format_preserving_encryption
from benchmarks.masking_tokens import masked_files, tokens
from benchmarks.own_project import first_verdict, one_profile
from benchmarks.pipeline import each_stage, one_more_day, one_trial, the_lake, unchanged_run, whole_demo
from benchmarks.s3_lake import lake_on_s3
from benchmarks.utility import utility_certificate


def main() -> None:
    """Measure in a temporary folder and print the tables."""
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    print(f"{os.cpu_count()} cores; OMP_NUM_THREADS={threads}; medians of interleaved runs where repeated")
    with tempfile.TemporaryDirectory(prefix="windtunnel-bench-") as name:
        scratch = Path(name)
        project = scratch / "demo"
        whole_demo(project)
        the_lake(scratch)
        one_trial(project)
        unchanged_run(project, scratch, stages=16)
        one_more_day(project, scratch)
        each_stage(project)
        utility_certificate(project)
        lake_on_s3(scratch)
        disclosure_risk()
        looking_for_people()
        leak_search(scratch / "leaks")
        tokens()
        masked_files()
        whole_policy()
        growth(scratch / "bookings")
        format_preserving_encryption()
        one_profile()
        first_verdict(scratch)
        gate_errors()
        claims()
        families()
        gate_looks()
        monitoring()
        gate_planning()
        searches()
        cheats_and_rules(project)
        gate_speed()
        large_table(scratch / "large")


if __name__ == "__main__":
    main()
