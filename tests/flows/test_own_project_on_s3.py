"""A project of one's own around a lake on S3: made by `windtunnel init` with an account that may only read, run to a verdict."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import own_lakes
import pytest
import yaml
from s3_server import READING, Account, Store, serve
from small_project import call

from flows.new_project import found
from flows.params_edit import edit_params
from tasks.datasets import hash_file
from tasks.errors import LakeError

pytestmark = [pytest.mark.slow, pytest.mark.whole]
_CURIOUS = """
import os
from sklearn.linear_model import LogisticRegression

if any(name.startswith(("WINDTUNNEL_LAKE_", "AWS_ACCESS", "AWS_SECRET")) for name in os.environ):
    raise RuntimeError("this code can open production")
estimator = LogisticRegression(max_iter=200)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store over HTTP with one table in two buckets, one of which keeps versions; and nothing below ``empty``."""
    lake = own_lakes.write_lake(tmp_path_factory.mktemp("lake"), tumours=own_lakes.breast_cancer())
    with serve() as running:
        for name, has_versions in (("versioned", True), ("plain", False)):
            running.upload(lake, running.bucket(name, has_versions=has_versions), "prod")
        yield running


def _found(tmp_path: Path, store: Store, bucket: str) -> tuple[Path, dict[str, str]]:
    """A project around the lake in ``bucket``, and the environment of an account that may read it."""
    folder = tmp_path / "tumours"
    variables = {**store.reader.environment(), "HOME": str(tmp_path), "XDG_CONFIG_HOME": ""}
    init = ("windtunnel", "init", "--into", str(folder), "--lake", f"s3://{bucket}/prod", "--label", "benign")
    call(tmp_path, *init, AWS_ENDPOINT_URL=store.endpoint, **variables)
    assert yaml.safe_load((folder / "params.yaml").read_text())["snapshot"]["s3"] == {"endpoint": store.endpoint}
    return folder, variables


def _require_no_secret(folder: Path, store: Store) -> None:
    kept = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".json", ".yaml", ".lock", ".log", ".html")]
    assert [path for path in kept if store.reader.secret in path.read_text(errors="replace")] == []


@pytest.mark.parametrize("bucket", ["versioned", "plain"])
def test_project_is_founded_on_and_pinned_in_a_bucket(tmp_path: Path, store: Store, bucket: str) -> None:
    """With versions or without; the endpoint goes from the environment into params.yaml, the credentials nowhere."""
    folder, variables = _found(tmp_path, store, bucket)
    call(folder, "windtunnel", "pin", **variables)
    pin = json.loads((folder / "data/pin.json").read_text())
    assert pin["access"].count("403 AccessDenied") == 1
    assert ("ETag (the bucket keeps no versions)" in pin["access"]) == (bucket == "plain")
    _require_no_secret(folder, store)


def test_only_the_snapshot_of_a_run_opens_production(tmp_path: Path, store: Store) -> None:
    """To the verdict; a challenger's code looks for what opens the lake, and finds nothing."""
    folder, variables = _found(tmp_path, store, "versioned")
    (folder / "curious.py").write_text(_CURIOUS)
    declared = yaml.safe_load((folder / "params.yaml").read_text())["models"]["challenger"]
    curious = {"file": "curious.py", "sha256": hash_file(folder / "curious.py")}
    edit_params(folder / "params.yaml", {"models.challenger": curious | {name: declared[name] for name in ("split", "part")}})
    done = call(folder, "windtunnel", "run", code=None, **variables)
    assert done.returncode in (0, 1, 3), done.stderr
    assert json.loads((folder / "data/verdict.json").read_text())["evidence_level"] == "refitted_here"
    _require_no_secret(folder, store)


_NOBODY = Account("AKIAUNKNOWN000000000", "x" * 40)


@dataclass(frozen=True)
class Refused:
    """A lake, who looks at it, and what is said of it."""

    lake: str
    who: str
    says: str


@pytest.mark.parametrize(
    "refused",
    [
        Refused("s3://plain/prod", "wrong", "does not accept these credentials"),
        Refused("s3://plain/prod", "writer", "CreateMultipartUpload on the reserved key .windtunnel-write-probe was carried out"),
        Refused("s3://plain/empty", "reader", "no files"),
        Refused("s3://nowhere/prod", "reader", "no bucket nowhere"),
    ],
)
def test_lake_that_cannot_be_founded_on(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    """Wrong credentials, ones that may write, an empty prefix, no bucket: one message, and no folder is made."""
    account = {"wrong": _NOBODY, "reader": store.reader, "writer": store.reader}[refused.who]
    if refused.who == "writer":
        account = store.account("writer", [*READING, "s3:PutObject"])
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)
    wishes: dict[str, Any] = dict.fromkeys(("table", "task", "key", "entity", "time", "known", "score"))
    with pytest.raises(LakeError) as caught:
        found(tmp_path / "new", refused.lake, {**wishes, "label": "benign", "k": 5, "s3_endpoint": store.endpoint})
    assert refused.says in caught.value.found
    assert refused.lake in caught.value.thing
    assert account.secret not in str(caught.value)
    assert not (tmp_path / "new").exists()
