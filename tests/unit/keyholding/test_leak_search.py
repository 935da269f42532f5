"""A whole project searched for planted markers: a leak in any output is found and named, and none is found where there is none."""

import copy
import hashlib
import json
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from masking_policies import KEY, rule
from masking_project import MaskingProject

from flows.cli.root import windtunnel
from tasks.canaries import read_planted
from tasks.datasets import read_manifest
from tasks.errors import LeakError, LeakSearchError
from tasks.keyholding.search import LeakSearch, search_project
from tasks.params import load_params
from tasks.paths import CANARY_FILE, ProjectPaths
from tasks.stages import canaries as canaries_stage

MARKED = {"sales.buyer", "sales.internal", "sales.mail", "sales.note", "sales.sale", "sales.zip"}
MARKED |= {"stock.item", "stock.listed_utc", "visits.buyer", "visits.seen_utc", "visits.visit"}


CONFIG = """\
['remote "shared"']
    url = ../.windtunnel/remotes/shared
['remote "restricted"']
    url = ../.windtunnel/remotes/restricted
"""


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> MaskingProject:
    """A masked project with a shared and a restricted remote, and a cache."""
    made = MaskingProject(tmp_path_factory.mktemp("masked"), days=2)
    root = made.paths.root
    made.paths.graph.touch()
    (root / ".git").mkdir()
    (root / ".dvc/cache/files/md5/ab").mkdir(parents=True)
    (root / ".dvc/config").write_text(CONFIG)
    made.mask()
    return made


@pytest.fixture
def project(masked: MaskingProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MaskingProject:
    """A copy of it."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    made = copy.copy(masked)
    made.paths = ProjectPaths(tmp_path / "project")
    shutil.copytree(masked.paths.root, made.paths.root)
    return made


def _search(project: MaskingProject) -> LeakSearch:
    return search_project(project.paths, load_params(project.paths.params))


def _marker(project: MaskingProject, column: str = "mail") -> str:
    markers = read_planted(project.paths.snapshots).markers
    return next(marker.text for marker in markers if (marker.table, marker.column) == ("sales", column))


def _sqlite(path: Path, marker: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (message TEXT)")
        connection.execute("INSERT INTO log VALUES (?)", (marker,))
    connection.close()


def _zip(path: Path, marker: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", json.dumps([marker]))


def _parquet(path: Path, marker: str) -> None:
    pq.write_table(pa.table({"note": ["a", marker]}), path, compression="gzip")


def _text(path: Path, marker: str) -> None:
    path.write_text(f"<p>{marker}</p>")


LEAKS: dict[str, Callable[[Path, str], None]] = {
    "data/masked/sales/day=2024-01-01/part-0.parquet": _parquet,
    "data/features/features/part-0.parquet": _parquet,
    "data/splits/by_time/metadata.json": _text,
    "data/validation/raw.json": _text,
    "data/models/challenger.skops": _zip,
    "data/reports/report.html": _text,
    "data/predictions/predictions/part-0.parquet": _parquet,
    ".windtunnel/results/data/2024-01-01/report.html": _text,
    ".windtunnel/receipts/receipt.json": _text,
    ".windtunnel/server/prefect/prefect.db": _sqlite,
    ".windtunnel/server/server.log": _text,
    ".dvc/cache/files/md5/ab/cdef": _parquet,
    ".windtunnel/remotes/shared/files/md5/ab/cdef": _zip,
}


@pytest.mark.parametrize("place", LEAKS)
def test_leak_in_each_output_is_caught_and_named(project: MaskingProject, place: str) -> None:
    """The file and the column are told, and not the value."""
    path = project.paths.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    LEAKS[place](path, _marker(project))
    found = _search(project)
    assert {(hit.file, hit.column) for hit in found.hits} == {(str(path.resolve()), "sales.mail")}
    assert _marker(project) not in found.to_json()


def test_clean_project_is_clean(project: MaskingProject) -> None:
    """Every masked column that can carry a marker was searched for; the others are named."""
    found = _search(project)
    assert found.hits == ()
    assert set(found.columns) == MARKED
    assert set(found.without) == {"sales.joined"}
    assert found.files > 4
    assert found.bytes > 1000


def test_markers_lie_beside_the_snapshot_and_in_no_dataset(project: MaskingProject) -> None:
    """The manifest, its hash and the masked rows are as they were without them."""
    snapshots = read_manifest(project.paths.snapshots, made_by="snapshot")
    listed = {partition.path for table in snapshots.tables.values() for partition in table.partitions}
    assert not [path for path in listed if CANARY_FILE in path]
    assert (project.paths.snapshots / "sales" / CANARY_FILE).exists()
    assert project.masked().tables["sales"].rows == snapshots.tables["sales"].rows
    assert stat.S_IMODE(project.paths.canary_seed.stat().st_mode) == 0o600


def test_planted_file_that_was_changed_is_planted_again(project: MaskingProject) -> None:
    """What is searched for is what lies there."""
    path = project.paths.snapshots / "sales" / CANARY_FILE
    before = path.read_bytes()
    for change in (lambda: path.write_bytes(b"other"), path.unlink):
        change()
        _search(project)
        assert path.read_bytes() == before


def test_masked_data_does_not_depend_on_the_seed(project: MaskingProject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another project, with other markers, has the same masked files."""
    other = MaskingProject(tmp_path_factory.mktemp("other"), days=2)
    other.mask()
    assert other.paths.canary_seed.read_text() != project.paths.canary_seed.read_text()
    assert other.masked() == project.masked()
    assert other.paths.privacy_report.read_bytes() == project.paths.privacy_report.read_bytes()


def test_restricted_zone_is_not_searched(project: MaskingProject) -> None:
    """Raw values are at home in the snapshot, the restricted remote, the lake and a crash's traceback."""
    for place in (".windtunnel/remotes/restricted/x", "data/snapshots/x", ".windtunnel/crash-1.log", ".windtunnel/raw-keys/x"):
        path = project.paths.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_marker(project))
    assert _search(project).hits == ()


def test_stored_objects_are_searched_once(project: MaskingProject) -> None:
    """They are named by their content; a hit is no reason to skip one the next time."""
    clean, dirty = (project.paths.root / ".dvc/cache/files/md5/ab" / name for name in ("clean", "dirty"))
    clean.write_text("nothing")
    dirty.write_text(_marker(project))
    assert (_search(project).unchanged, len(_search(project).hits)) == (0, 1)
    assert _search(project).unchanged == 1


def test_snapshot_in_the_shared_remote_is_found(project: MaskingProject) -> None:
    """Each of its files by its content's name, though no marker is in it."""
    root, partition = project.paths.root, next(project.paths.snapshots.rglob("part-0.parquet"))
    md5 = hashlib.md5(partition.read_bytes()).hexdigest()
    listing = json.dumps([{"md5": md5, "relpath": partition.relative_to(project.paths.snapshots).as_posix()}])
    (root / ".dvc/cache/files/md5/12").mkdir(parents=True)
    (root / ".dvc/cache/files/md5/12/34.dir").write_text(listing)
    project.paths.lock.write_text(
        yaml.safe_dump({"stages": {"snapshot": {"outs": [{"path": "data/snapshots", "md5": "1234.dir"}]}}})
    )
    leaked = root / ".windtunnel/remotes/shared/files/md5" / md5[:2] / md5[2:]
    leaked.parent.mkdir(parents=True)
    leaked.write_bytes(partition.read_bytes())
    (hit,) = _search(project).hits
    assert (hit.file, hit.part) == (str(leaked.resolve()), "a file of the snapshot as it is")


def test_a_column_that_masking_leaves_raw_stops_the_run(project: MaskingProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The markers go through the very masking of real rows, packed as partitions are; nothing is written then."""
    monkeypatch.setattr(canaries_stage, "mask_columns", lambda name, table, policy, key: table)
    before = (project.paths.masked / "manifest.json").read_bytes()
    with pytest.raises(LeakError, match="table sales, masked") as caught:
        project.mask()
    assert "sales.mail" in caught.value.found
    assert _marker(project) not in str(caught.value)
    assert before == (project.paths.masked / "manifest.json").read_bytes()


def test_markers_stand_in_columns_that_are_encrypted_moved_shuffled_and_in_free_text(project: MaskingProject) -> None:
    """They pass through the masking of such columns, and none comes out."""
    sales = project.content["masking"]["tables"]["sales"]
    sales["safe"].remove("amount")
    sales |= {
        "mail": rule("encrypt", alphabet="alphanumeric", keep="-@."),
        "amount": rule("noise", per="sale", scale=1.0),
        "internal": rule("shuffle", per="sale"),
        "note": rule("text", "free_text"),
        "zip": rule("fake", list="town"),
    }
    project.write_params()
    project.mask()
    found = _search(project)
    assert {"sales.mail", "sales.amount", "sales.internal", "sales.note", "sales.zip"} <= set(found.columns)
    assert set(found.without) == {"sales.joined"}
    assert found.hits == ()


def test_without_markers_nothing_is_clean(project: MaskingProject) -> None:
    """A search for nothing would pass everything."""
    (project.paths.snapshots / "manifest.json").unlink()
    (project.paths.snapshots / "canaries.json").unlink()
    with pytest.raises(LeakSearchError, match=r"canaries\.json"):
        _search(project)


def test_command_is_an_exit_code(project: MaskingProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 where nothing was found, 1 where something was, with the file."""
    monkeypatch.chdir(project.paths.root)
    clean = CliRunner().invoke(windtunnel, ["mask", "search"], standalone_mode=False)
    assert (clean.return_value, "no marker was found" in clean.stdout) == (0, True)
    assert "MB/s" in clean.stdout
    _text(project.paths.data / "page.html", _marker(project))
    found = CliRunner().invoke(windtunnel, ["mask", "search"], standalone_mode=False)
    assert found.return_value == 1
    assert "page.html" in found.stdout
    assert json.loads(CliRunner().invoke(windtunnel, ["mask", "search", "--json"]).stdout)["hits"][0]["column"] == "sales.mail"
    assert KEY.fingerprint not in found.stdout
