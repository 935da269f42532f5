"""Documents say what the code and the lock say."""

import re
import subprocess
from pathlib import Path

import yaml

from tasks.params import load_params

ROOT = Path(__file__).resolve().parents[2]


def test_every_locked_package_has_its_licence_listed() -> None:
    """docs/third-party-licences.md and the two locks name the same packages."""
    locks = "".join((ROOT / name).read_text() for name in ("requirements.lock", "requirements-extras.lock"))
    locked = set(re.findall(r"^([A-Za-z0-9_.-]+)==", locks, re.M))
    listed = set(re.findall(r"^\| ([A-Za-z0-9_.-]+) \| [^|]+ \|$", (ROOT / "docs/third-party-licences.md").read_text(), re.M))
    assert locked == listed - {"package"}


def test_no_committed_file_names_a_registry_host() -> None:
    """The lock and the documents leave the choice of registry to the machine."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    hosts = re.compile("|".join(f"{name}[.]org" for name in ("pypi", "pythonhosted", "npmjs")))
    assert [name for name in names if hosts.search(_text(ROOT / name))] == []


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def test_lock_requires_hashes() -> None:
    """Every requirement in the lock carries at least one hash."""
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9_.-]+==)", text)
    assert [block.splitlines()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


def test_params_load_alike_here_and_in_dvc() -> None:
    """What PyYAML reads is what DVC, which uses YAML 1.2, reads."""
    from dvc.utils.serialize import load_yaml

    assert load_yaml(str(ROOT / "params.yaml")) == yaml.safe_load((ROOT / "params.yaml").read_text())
    assert load_params(ROOT / "params.yaml").schema_version == 1
