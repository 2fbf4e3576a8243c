"""Job: the `with` block around one run of a pipeline, which records that it started and how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import Any, Literal

from watchkeeper.sdk.record import JobRun

MAIN_PACKAGES = {
    "catboost": "catboost",
    "dask": "dask",
    "duckdb": "duckdb",
    "jax": "jax",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "pyspark": "pyspark",
    "ray": "ray",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
"""Modules whose versions are recorded by themselves when a run has imported them, and what they are installed as."""


class Job:
    """Set `rows` and `inputs` inside the block; status, duration and versions are recorded by themselves."""

    def __init__(self, take: Callable[[JobRun], None], name: str, run: str, packages: Iterable[str] | None) -> None:
        self._take = take
        self._packages = packages
        self._began = 0.0
        self.name = name
        self.run = run
        self.rows: int | None = None
        """How many rows the run wrote."""
        self.inputs: Any = None
        """What it read: names of files and tables, or a mapping of them to digests or versions."""
        self.versions: dict[str, str] | None = None
        """Of packages; set it to record others than those that are found by themselves."""

    def __enter__(self) -> Job:
        self._began = perf_counter()
        self._record("started")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.versions is None:
            self.versions = versions(self._packages)
        self._record("ok" if error is None else "failed", perf_counter() - self._began)

    def _record(self, status: Literal["started", "ok", "failed"], seconds: float | None = None) -> None:
        self._take(
            JobRun(
                job=self.name,
                run=self.run,
                status=status,
                time=datetime.now(UTC),
                duration_s=seconds,
                rows=self.rows,
                inputs=self.inputs,
                versions=self.versions,
            )
        )


def versions(packages: Iterable[str] | None) -> dict[str, str]:
    """Python's version and those of installed packages: the given ones, else the main ones that are imported."""
    from importlib.metadata import PackageNotFoundError, version

    if packages is None:
        packages = [package for module, package in MAIN_PACKAGES.items() if module in sys.modules]
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
