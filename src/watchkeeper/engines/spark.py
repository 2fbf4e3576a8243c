"""Runs a function on a Spark cluster: over parts of a list, each part on one core of one machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from watchkeeper.model import WatchkeeperError

if TYPE_CHECKING:
    from pyspark import SparkContext

Item = TypeVar("Item")
Result = TypeVar("Result")

CONFIGURED = ("PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "SPARK_CONF_DIR", "SPARK_HOME")
"""Environment variables by which Spark itself is told where its cluster is; without any of them it runs here."""
PARTS = 4
"""Parts for each core, so that all cores end at about the same time though parts differ."""


class NoSpark(WatchkeeperError):
    """Spark was asked for, and it, or the Java that it needs, is not installed: the text says how to get it."""


class SparkFailed(WatchkeeperError):
    """Spark could not be started, or a part of the work failed there: the text says why."""


class Spark:
    """A Spark cluster, started when there is something to do and left by `close`.

    `master`: the cluster's address; without it as Spark is configured, or else all cores of this machine.
    """

    def __init__(self, master: str | None = None) -> None:
        self._master = master
        self._context: SparkContext | None = None

    def map(
        self, function: Callable[[Sequence[Item]], Result], items: Sequence[Item], sizes: Sequence[int]
    ) -> list[Result]:
        """What a function says of each part of a list; items that follow each other stay together.

        `sizes`: how much work each item is. Function, items and results are pickled. Raises `NoSpark`, `SparkFailed`.
        """
        if not items:
            return []
        context = self._started()
        parts = cut(items, sizes, PARTS * context.defaultParallelism)
        with self._told("Spark could not do its part of the work"):
            return list(context.parallelize(parts, len(parts)).map(function).collect())

    def close(self) -> None:
        """Leave the cluster, if it was ever started."""
        context, self._context = self._context, None
        if context is not None:
            context.stop()

    def _started(self) -> SparkContext:
        if self._context is None:
            installed()
            from pyspark import SparkConf, SparkContext

            conf = SparkConf().setAppName("watchkeeper").set("spark.ui.showConsoleProgress", "false")
            master = self._master or (None if any(name in os.environ for name in CONFIGURED) else "local[*]")
            if master is not None:
                conf.setMaster(master)
            if master is not None and master.startswith("local"):  # nothing listens but on this machine
                conf.set("spark.ui.enabled", "false")
                os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            with self._told("Spark could not be started"):
                self._context = SparkContext(conf=conf)
            self._context.setLogLevel("ERROR")
        return self._context

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what Spark says into a sentence of ours; the next call starts it anew."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (Py4JError, PySparkException, OSError) as failed:
            self.close()
            raise SparkFailed(
                f"{what}: {reason(str(failed))}. What was done before stays done. Look into Spark's own log for more: "
                "every machine of the cluster needs the same release of Watchkeeper and must reach the lake's files."
            ) from failed


def installed() -> None:
    """Raises `NoSpark` where Spark can't run."""
    try:
        import pyspark  # noqa: F401
    except ModuleNotFoundError as missing:
        raise NoSpark(
            f"--engine spark needs {missing.name}, which is not installed. Run: pip install 'watchkeeper[spark]'"
        ) from missing
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise NoSpark(
            "--engine spark needs Java 17 or later, and there is no `java` on the PATH and no JAVA_HOME. "
            "Install one, such as Debian's default-jre-headless."
        )


def cut(items: Sequence[Item], sizes: Sequence[int], many: int) -> list[list[Item]]:
    """A list in at most so many parts of about the same size, in order, none of them empty."""
    ends = np.cumsum(np.maximum(sizes, 1))
    middles = ends - np.maximum(sizes, 1) / 2
    number = (middles * many / ends[-1]).astype(np.int64)
    return [[items[at] for at in np.flatnonzero(number == part).tolist()] for part in np.unique(number)]


def reason(said: str) -> str:
    """The error that ends the last Python traceback in what Spark said, else its first line."""
    lines = [line for line in said.splitlines() if line.strip()] or ["it gave no reason"]
    traces = [i for i, line in enumerate(lines) if "Traceback (most recent call last)" in line]
    ends = (line for line in lines[traces[-1] + 1 :] if line[0].strip()) if traces else iter(lines)
    return next(ends, lines[0]).strip()[:500].rstrip(".")
