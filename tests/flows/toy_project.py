"""A tiny real DVC project of four stages."""

import subprocess
import sys
from pathlib import Path

GRAPH = """\
stages:
  first: {cmd: "python write.py a.txt seed.txt", deps: [seed.txt], outs: [a.txt]}
  second: {cmd: "python write.py b.txt a.txt", deps: [a.txt], outs: [b.txt]}
  aside: {cmd: "python write.py d.txt seed.txt", deps: [seed.txt], outs: [d.txt]}
  third: {cmd: "python write.py c.txt b.txt d.txt", deps: [b.txt, d.txt], outs: [c.txt]}
"""
WRITE = """\
import pathlib, sys, time
from tasks.__main__ import stop_with_parent
stop_with_parent()
out, *sources = sys.argv[1:]
text = "".join(pathlib.Path(s).read_text() for s in sources)
if "slow" in text:
    pathlib.Path("running.pid").write_text(str(__import__("os").getpid()))
    time.sleep(60)
if "bad" in text:
    sys.exit(f"{out}: a bad seed was found")
print(f"{out}: {len(text)} characters")
pathlib.Path(out).write_text(text.upper())
"""


def make_toy(folder: Path, seed: str = "seed\n") -> Path:
    """A DVC project of four stages in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dvc.yaml").write_text(GRAPH)
    (folder / "write.py").write_text(WRITE)
    (folder / "seed.txt").write_text(seed)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=folder, check=True)
    return folder
