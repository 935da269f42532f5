"""Where partitions are masked: in this process, or on a cluster of Apache Spark. Both give the same bytes.

What belongs here: everything that knows of an engine. What does not: what is done with a partition (``partitions``), which is
the same code for both. Spark's workers must see the project under the same path, and have the same version installed.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from tasks.datasets import PackedPartition, code_hash
from tasks.errors import EngineError, WindtunnelError
from tasks.masking.facts import Observation
from tasks.masking.partitions import RawPartition, TableWork
from tasks.params.masking import MaskingParams, SparkParams
from tasks.records import PartitionRecord

_WAIT_SECONDS = 60
"""How long the first worker of a cluster may take to appear."""
_SLICES_PER_CORE = 8
"""Partitions are sent in so many lots for each core: few, since each costs Spark some milliseconds, but enough to spread."""
_CODE = ("tasks/masking", "tasks/detection", "tasks/datasets", "tasks/params", "tasks/records")


T = TypeVar("T")
Item = TypeVar("Item")


class Engine(Protocol):
    """Masks partitions; leave it as a context manager to give back what it holds."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def mask(self, work: TableWork, partitions: Sequence[RawPartition]) -> Iterator[PackedPartition]:
        """The masked form of each of ``partitions``, packed, in any order."""

    def observe(self, work: TableWork, records: Sequence[PartitionRecord]) -> Iterator[Observation]:
        """What each of the raw partitions adds to the facts of its table, in the order of ``records``."""


class LocalEngine:
    """One partition after another, in this process."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def mask(self, work: TableWork, partitions: Sequence[RawPartition]) -> Iterator[PackedPartition]:
        """As :meth:`Engine.mask`, in order, one partition in memory at a time."""
        return map(work.mask, partitions)

    def observe(self, work: TableWork, records: Sequence[PartitionRecord]) -> Iterator[Observation]:
        """As :meth:`Engine.observe`, in order."""
        return map(work.observe, records)


class SparkEngine:
    """As many partitions at once as the cluster has cores; the driver holds none of them."""

    def __init__(self, params: SparkParams, scratch: Path, *, key_variable: str) -> None:
        """Use the cluster at ``params.master``; ``scratch`` (made, mode 0700) takes what this machine's Spark spills.

        ``key_variable`` is the environment variable that may hold the master key: it is taken out before Spark starts.
        """
        self._params = params
        self._scratch = scratch
        self._key_variable = key_variable
        self._session: Any = None

    def __enter__(self) -> Self:
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.stop()

    def mask(self, work: TableWork, partitions: Sequence[RawPartition]) -> Iterator[PackedPartition]:
        """As :meth:`Engine.mask`. Raises :class:`~tasks.errors.EngineError` where the cluster cannot do it."""
        if partitions:
            yield from self._run(work.for_workers(partitions[0].record).mask, partitions)

    def observe(self, work: TableWork, records: Sequence[PartitionRecord]) -> Iterator[Observation]:
        """As :meth:`Engine.observe`; raises as :meth:`mask`."""
        if records:
            yield from self._run(work.for_workers(records[0]).observe, records)

    def _run(self, function: Callable[[Item], T], items: Sequence[Item]) -> Iterator[T]:
        context = self._start().sparkContext
        task = _Task(function, _own_code())
        slices = min(len(items), _SLICES_PER_CORE * context.defaultParallelism)
        for outcome in _call(self._params.master, lambda: context.parallelize(items, slices).map(task).collect()):
            if isinstance(outcome, WindtunnelError):
                raise outcome
            yield outcome

    def _start(self) -> Any:
        if self._session is None:
            self._session = _call(self._params.master, self._open)
        return self._session

    def _open(self) -> Any:
        try:
            with warnings.catch_warnings():
                # It speaks of dataframes, which are not used here.
                warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
                from pyspark.sql import SparkSession
        except ImportError:
            raise EngineError(
                "masking.engine: spark",
                found="pyspark is not installed",
                expected="the extra `spark`, and Java 17 or later",
                next_step="pip install 'windtunnel[spark]'",
            ) from None
        # Java and the workers would inherit the master key, and they need it not.
        os.environ.pop(self._key_variable, None)
        if self._params.master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        # A worker on another machine needs this Python under the same path.
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
        builder = SparkSession.builder.master(self._params.master).appName("windtunnel mask")
        for name, value in (_settings(self._params.master, self._scratch) | self._params.settings).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        if not self._params.master.startswith("local"):
            _require_workers(session.sparkContext, self._params.master)
        return session


@cache
def _own_code() -> str:
    return code_hash(*_CODE)


class _Task(Generic[Item, T]):
    """One partition on a worker; an error comes back as it is, not as a traceback of Spark's."""

    def __init__(self, function: Callable[[Item], T], code: str) -> None:
        """``function`` is a method of a :class:`TableWork`; ``code`` is the hash of the code that the driver runs."""
        self._function, self._code = function, code

    def __call__(self, item: Item) -> T | WindtunnelError:
        work: TableWork = self._function.__self__  # type: ignore[attr-defined]
        try:
            _require_same_place(work.raw, self._code)
            return self._function(item)
        except WindtunnelError as error:
            return error
        except Exception as error:  # Spark would log its words, and they may quote a value
            return EngineError(
                f"masking a partition of {work.table} on a Spark worker",
                found=type(error).__name__,
                expected="a masked partition",
                next_step="run with `engine: local` under masking in params.yaml, which says more",
            )


def _require_same_place(raw: Path, code: str) -> None:
    if _own_code() != code:
        raise EngineError(
            "a Spark worker",
            found="another version of Windtunnel than here",
            expected="the same version everywhere: equal bytes are promised for equal code only",
            next_step="install this version on every worker",
        )
    if not raw.is_dir():
        raise EngineError(
            f"{raw} on a Spark worker",
            found="no such folder",
            expected="the project under the same path on every worker",
            next_step="put the project on a file system that all workers have mounted",
        )


def _settings(master: str, scratch: Path) -> dict[str, str]:
    """What is set unless ``masking.spark.settings`` says otherwise."""
    settings = {
        # Raw values and derived keys may be spilled: not in the clear.
        "spark.io.encryption.enabled": "true",
        "spark.local.dir": str(scratch),
        "spark.log.level": "ERROR",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.executorEnv.OMP_NUM_THREADS": "1",
    }
    if master.startswith("local"):
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return settings


def _require_workers(context: Any, master: str) -> None:
    """Raise :class:`~tasks.errors.EngineError` where a cluster gives no worker: Spark itself would wait without end."""
    until = time.monotonic() + _WAIT_SECONDS
    while context._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one of them
        if time.monotonic() > until:
            raise EngineError(
                f"the Spark master {master}",
                found=f"no worker within {_WAIT_SECONDS} seconds",
                expected="at least one worker with a free core and the memory that masking.spark.settings asks for",
                next_step="start workers, or lower spark.executor.memory and spark.cores.max in masking.spark.settings",
            )
        time.sleep(0.2)


def _call(master: str, function: Callable[[], T]) -> T:
    """``function()``, with what Spark says as one error that shows no value of any row."""
    try:
        return function()
    except WindtunnelError:
        raise
    except Exception as error:
        raise EngineError(
            f"the Spark master {master}",
            found=f"{type(error).__name__}: {_first_line(error)}",
            expected="a running Spark cluster (or local[n]), Java 17 or later, and this Python on every worker",
            next_step="look at the lines above and at Spark's own log, then run `dvc repro mask` again",
        ) from None


def _first_line(error: Exception) -> str:
    java = getattr(error, "java_exception", None)
    text = java.toString() if java is not None else str(error)
    return text.strip().splitlines()[0][:300] if text.strip() else "no word"


def open_engine(params: MaskingParams, scratch: Path) -> Engine:
    """The engine that ``params.engine`` names; see :class:`SparkEngine` for ``scratch``."""
    if params.engine == "local" or params.spark is None:
        return LocalEngine()
    return SparkEngine(params.spark, scratch, key_variable=params.key.env)
