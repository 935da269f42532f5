"""A toy project in a Git repository, judged to promote by a signed policy: all that a promotion asks for but the approval."""

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

import yaml
from signed_project import ADA, BOB, ROBOT, add_version, line, sign_version
from small_project import call
from toy_evidence import judge_toy, make_params, toy_rows, train_toy, write_toy

from flows.approval import approve
from flows.promotion import promote
from flows.signatures import sign_verdict
from flows.verdict_store import write_receipt
from tasks.datasets import hash_file, write_atomically
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Champion, Event

HERE = "data/verdict.json"
CRITERIA = {
    "validation": {"evidence": "validation", "critical": True},
    "ranking": {"metric": "roc_auc", "margin": 0.3, "min_rows": 10, "critical": True},
}


def make_promotable(root: Path, keys: dict[str, Path]) -> ProjectPaths:
    """The project with its first verdict; Ada and Bob are people, the machine judges."""
    paths = ProjectPaths(root)
    write_atomically(paths.pin, b"{}")
    write_atomically(paths.requirements, b"")
    write_atomically(root / ".gitignore", b"/.windtunnel/\n/data/\n")
    write_toy(root, toy_rows(), about={"pin": hash_file(paths.pin)})
    write_params(paths)
    found_signed(paths, keys)
    judge_promotable(paths, keys[ROBOT])
    return paths


def found_signed(paths: ProjectPaths, keys: dict[str, Path]) -> None:
    """Sign the policy of the project as it lies, and commit it."""
    root = paths.root
    paths.policies.mkdir()
    signers = "".join(line(keys, name) for name in (ADA, BOB, ROBOT))
    sign_version(paths.policies, add_version(paths.policies, load_params(paths.params), signers, ADA), ADA, keys[ADA])
    call(root, "git", "init", "-q", "-b", "main")
    call(root, "git", "add", "-A")
    call(root, "git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-m", "a project")


def write_params(paths: ProjectPaths, **parameters: object) -> None:
    """The toy's parameters, with ``parameters`` of the challenger's."""
    params = make_params(gates={"max_age_days": 7, "criteria": CRITERIA})
    said = params.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    said["models"]["challenger"]["parameters"] = parameters
    write_atomically(paths.params, yaml.safe_dump(said).encode())


def judge_promotable(paths: ProjectPaths, key: Path) -> None:
    """Train, evaluate, judge, and publish what came of it, signed with ``key``."""
    params = load_params(paths.params)
    train_toy(paths, params)
    judge_toy(paths, params)
    publish(paths, key)


def publish(paths: ProjectPaths, key: Path) -> None:
    """Write the receipt of the verdict that lies there, and sign both with ``key``."""
    write_receipt(paths, paths, datetime.now(timezone.utc))
    before = os.environ.get("WINDTUNNEL_SIGNING_KEY")
    os.environ["WINDTUNNEL_SIGNING_KEY"] = str(key)
    try:
        sign_verdict(paths, paths)
    finally:
        os.environ.pop("WINDTUNNEL_SIGNING_KEY")
        if before is not None:
            os.environ["WINDTUNNEL_SIGNING_KEY"] = before


def now() -> datetime:
    return datetime.now(timezone.utc)


def agree(paths: ProjectPaths, keys: dict[str, Path], reason: str = "agreed") -> Event:
    """Bob approves the verdict that lies there."""
    return approve(paths.root, HERE, key=keys[BOB], reason=reason, now=now())


def promote_twice(paths: ProjectPaths, keys: dict[str, Path], first: Path) -> Champion:
    """Two champions after one another, of which the second stands; the first, what it rests on copied to the folder ``first``."""
    agree(paths, keys)
    former = promote(paths.root, HERE, now()).champion
    shutil.copytree(paths.root, first, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    write_params(paths, C=0.5)
    judge_promotable(paths, keys[ROBOT])
    agree(paths, keys)
    promote(paths.root, HERE, now())
    return former
