"""Stage ``snapshot``: copy what ``data/pin.json`` lists out of the lake. The only stage that opens production."""

from tasks.datasets import code_hash, hash_file
from tasks.paths import main_root, make_private
from tasks.sources import open_lake, read_pin, write_snapshot
from tasks.stages import FOUNDATION, Stage, StageContext
from tasks.stages.made_with import made_with

_CODE = ("tasks/stages/snapshot.py", "tasks/sources")


def _run(context: StageContext) -> None:
    paths, params = context.paths, context.params.snapshot
    make_private(main_root(paths.root) / ".dvc" / "cache")  # DVC copies the snapshot there under its own, wider modes
    result = write_snapshot(
        open_lake(params.lake, paths.root, params.s3),
        read_pin(paths.pin),
        params,
        paths.snapshots,
        pin_hash=hash_file(paths.pin),
        code_hash=code_hash(*_CODE, *FOUNDATION),
        made_with=made_with(context.params, "snapshot"),
    )
    print(f"snapshot: {result.written:,} partitions written, {result.unchanged:,} unchanged, {result.rows:,} rows")


STAGE = Stage(
    reads=lambda _: ("data/pin.json",),
    writes=lambda _: ("data/snapshots",),
    code=_CODE,
    run=_run,
)
