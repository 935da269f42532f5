"""A program as a challenger: what it is given, and that it is held to its limits and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.datasets import hash_file
from tasks.errors import ModelError
from tasks.models.command import OUT, run_command
from tasks.models.scores import read_scores_file
from tasks.params.models import Command

ROOT = Path(__file__).resolve().parents[3]
TRAIN = pa.table({"row_key": ["a", "b", "c"], "size": [1.0, 2.0, 3.0], "label": pa.array([0, 1, 1], pa.int8())})
SCORE = pa.table({"row_key": ["d", "e"], "size": [4.0, 5.0]})
FITS = """
import os, sys
import pyarrow.parquet as pq, pyarrow as pa
train, score = pq.read_table(sys.argv[1]), pq.read_table(sys.argv[2])
assert "label" in train.column_names and "label" not in score.column_names
assert sorted(os.environ) == sorted({"PATH", "HOME", "TMPDIR", "LANG", "TZ", *("LC_CTYPE",) * ("LC_CTYPE" in os.environ)})
prevalence = sum(train["label"].to_pylist()) / train.num_rows
pq.write_table(pa.table({"row_key": score["row_key"], "score": [prevalence] * score.num_rows}), sys.argv[3])
print("seed", sys.argv[4])
"""
SHELL = """
mean=$(awk -F, 'NR > 1 {sum += $3} END {print sum / (NR - 1)}' "$1")
awk -F, -v mean="$mean" 'NR == 1 {print "row_key,score"; next} {gsub(/"/, "", $1); print $1 "," mean}' "$2" > "$3"
"""
ARGUMENTS = ["{train}", "{score}", "{out}", "{seed}"]
DOUBLE_FORK = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open({marker!r}, "w").write(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
while not os.path.exists({marker!r}) or not open({marker!r}).read():
    time.sleep(0.01)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project and, beside it, the folder of one run."""
    (tmp_path / "project").mkdir()
    (tmp_path / "run").mkdir()
    return tmp_path / "project"


def run(project: Path, script: str, *, program=(sys.executable,), arguments=ARGUMENTS, name="fit.py", **limits) -> Path:
    (project / name).write_text(script)
    command = Command(
        command=(*program, name, *arguments), files={name: hash_file(project / name)}, limits=limits, split="s", part="train"
    )
    return run_command(command, project, TRAIN, SCORE, seed=7, folder=project.parent / "run")


def refusal(project: Path, script: str, **options) -> str:
    with pytest.raises(ModelError, match="challenger command") as caught:
        run(project, script, **options)
    return caught.value.found


def test_a_python_program_learns_and_scores_in_a_clean_environment(project):
    """It sees labels of training rows only, and of the caller's environment its PATH alone."""
    found = read_scores_file(run(project, FITS), SCORE["row_key"], ("id",), task="binary", classes=(), what="x")
    assert found.column("score").to_pylist() == pytest.approx([2 / 3, 2 / 3])


def test_a_shell_and_awk_do_as_well(project):
    """Any language that reads CSV."""
    arguments = ["{train_csv}", "{score_csv}", "{out}"]
    out = run(project, SHELL, program=("sh",), arguments=arguments, name="fit.sh")
    found = read_scores_file(out, SCORE["row_key"], ("id",), task="binary", classes=(), what="x")
    assert found.column("score").to_pylist() == pytest.approx([2 / 3, 2 / 3], abs=1e-4)


def test_what_it_printed_last_is_kept_for_this_account_alone(project):
    """It may quote rows, so no message repeats it."""
    found = refusal(project, "print('RAW-value'); raise SystemExit(3)")
    log = project / ".windtunnel/command.log"
    assert found == "a program that ended with the exit code 3"
    assert log.read_text() == "RAW-value\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_program_that_is_not_there_is_one_clear_error(project):
    """Nothing was started."""
    assert refusal(project, "", program=("no-such-program",)) == "a program that ended with the exit code 127"
    assert "no-such-program: No such file or directory" in (project / ".windtunnel/command.log").read_text()


def test_a_program_that_hangs_is_ended(project):
    """Also one that will not hear of it."""
    script = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"
    assert refusal(project, script, time_seconds=1) == "a program that was still running after 1 seconds"


@pytest.mark.parametrize(
    "script",
    [
        "import sys\nwhile True: sys.stdout.write('x' * 65536)",
        "import time\nfor n in range(1000): open(f'f{n}', 'w').write('x' * 90_000); time.sleep(0.002)",
    ],
)
def test_a_flood_is_cut_off(project, script):
    """Printed, or as many files."""
    assert refusal(project, script, output_bytes=1_000_000) == "a program that printed or wrote more than 1,000,000 bytes"


def test_one_large_file_is_cut_off_by_the_system(project):
    """Before it fills the disk."""
    found = refusal(project, "open('large', 'wb').write(b'x' * 50_000_000)", output_bytes=1_000_000)
    assert found in ("a program that ended with the exit code 1", "a program that printed or wrote more than 1,000,000 bytes")
    assert (project.parent / "run/work/large").stat().st_size <= 1_000_000


def test_memory_beyond_the_limit_is_refused_to_it(project):
    """The system says no to the program, not to us."""
    found = refusal(project, "x = bytearray(900_000_000)", memory_bytes=400_000_000)
    assert found == "a program that ended with the exit code 1"
    assert "MemoryError" in (project / ".windtunnel/command.log").read_text()


def test_a_program_that_writes_nothing_is_refused(project):
    """Exit code 0 is no score."""
    assert refusal(project, "pass") == "a program that ended well, and wrote no file of scores"


def test_a_link_to_another_file_is_no_file_of_scores(project):
    """What is read is what it wrote."""
    assert "no file of scores" in refusal(project, f"import os; os.symlink('/etc/hostname', '{OUT}')")


def test_a_program_killed_by_a_signal_is_told(project):
    """As the kernel's own killer does."""
    assert refusal(project, "import os; os.kill(os.getpid(), 9)") == "a program that was ended by the signal 9"


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["", "raise SystemExit(1)", "time.sleep(60)"])
def test_no_process_is_left_behind(project, ending):
    """A child that left the group and lost its parents ends with the program, however that ends."""
    marker = str(project.parent / "pid")
    refusal(project, DOUBLE_FORK.format(marker=marker) + ending, time_seconds=3)
    assert not _is_alive(int(Path(marker).read_text()))


RUNS = """
import sys
from pathlib import Path
import pyarrow as pa
from tasks.models.command import run_command
from tasks.params.models import Command

rows = pa.table({"row_key": ["a"], "label": [1]})
command = Command(command=(sys.executable, "-c", sys.argv[2], "{score}", "{out}"), split="s", part="train")
run_command(command, Path(sys.argv[1]), rows, rows, seed=1, folder=Path(sys.argv[1]).parent / "run")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_program_ends_with_the_run(project, number):
    """Also by kill -9 of the stage, and with it what it started."""
    marker = project.parent / "pid"
    script = DOUBLE_FORK.format(marker=str(marker)) + "time.sleep(60)"
    stage = subprocess.Popen([sys.executable, "-c", RUNS, str(project), script], cwd=ROOT)
    while not (marker.exists() and marker.read_text()):
        time.sleep(0.05)
    stage.send_signal(number)
    stage.wait()
    assert not _is_alive(int(marker.read_text()))


def _is_alive(pid: int) -> bool:
    for _ in range(250):
        try:
            os.kill(pid, 0)
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
        time.sleep(0.02)
    return True


def test_a_file_that_changed_is_refused(project):
    """What runs is what params.yaml names."""
    (project / "fit.py").write_text("pass")
    command = Command(command=("sh", "{score}", "{out}"), files={"fit.py": "0" * 64}, split="s", part="train")
    with pytest.raises(ModelError, match=r"fit\.py") as caught:
        run_command(command, project, TRAIN, SCORE, seed=7, folder=project.parent / "run")
    assert caught.value.expected.startswith("0" * 64)


@pytest.mark.parametrize("command", [["sh", "{out}"], ["sh", "{score}"], []])
def test_a_command_that_is_not_told_where_rows_lie_is_refused(command):
    """It could not score them."""
    with pytest.raises(ValueError, match=r"must name \{out\}|at least 1"):
        Command.model_validate({"command": command, "split": "s", "part": "train"})
