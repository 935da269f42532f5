"""The tables of a lake as projects take them: names, columns, and a bounded reading of their rows.

What belongs here: wiring ``tasks.sources`` to ``tasks.projects``. What does not: how files are found and read.
"""

from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import LakeError
from tasks.projects.survey import LakeTable
from tasks.sources import Lake, LakeFile


def find_lake_tables(lake: Lake, uri: str) -> tuple[LakeTable, ...]:
    """The tables that ``lake`` seems to hold; raises :class:`~tasks.errors.LakeError` where there is none."""
    groups: dict[str, list[LakeFile]] = {}
    for file in lake.list_files(""):
        first, slash, _ = file.path.partition("/")
        groups.setdefault(first if slash else first.rsplit(".", 1)[0], []).append(file)
    tables = []
    for name, files in sorted(groups.items()):
        with lake.open_file(files[0]) as stream:
            columns = tuple(pq.ParquetFile(stream).schema_arrow.names)
        tables.append(LakeTable(name, columns, partial(_read, lake, files)))
    if not tables:
        raise LakeError(f"--lake {uri}", found="no files", expected="Parquet, CSV or JSON lines", next_step="mend --lake")
    return tuple(tables)


def _read(lake: Lake, files: list[LakeFile]) -> pa.Table:
    tables = []
    for file in files:
        with lake.open_file(file) as stream:
            tables.append(pq.read_table(stream))
    return pa.concat_tables(tables)
