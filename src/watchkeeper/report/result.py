"""The outcome of a check: verdict, findings, and all that a report shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import Measurement
from watchkeeper.delivery import BadRow
from watchkeeper.model import Model
from watchkeeper.profiles import Baseline, Profiles

if TYPE_CHECKING:
    import pyarrow as pa


class Verdict(StrEnum):
    """What to do with a file."""

    ACCEPT = "accept"
    ACCEPT_WITH_WARNING = "accept_with_warning"
    QUARANTINE_ROWS = "quarantine_rows"
    REJECT_FILE = "reject_file"


@dataclass(frozen=True, repr=False)
class Result:
    """What `check` found."""

    verdict: Verdict
    rows_read: int
    rows_good: int
    rows_quarantined: int
    quarantined: list[BadRow]
    """The first 10,000."""
    quarantined_truncated: bool
    baseline_windows: int
    baseline_source: str
    """Where the baseline's windows came from: `files`, `time`, `blocks` (virtual) or `one`."""
    findings: list[Finding]
    """Worst first."""
    current_name: str
    baseline_name: str
    model: Model
    measurements: list[Measurement] = field(default_factory=list)
    """All of them, loud or not; each holds arrays over the slices that were judged."""
    profiles: Profiles | None = None
    """None where the file was rejected before it could be read."""
    baseline: Baseline | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    """For each window label (Slice.window_label): the evidence in nats that a warning takes."""
    written: list[Path] = field(default_factory=list)
    """Files written on request, to be named on the last line."""
    seconds: float = 0.0

    def __repr__(self) -> str:
        """In short, and without a value of the data."""
        loud = Counter(finding.severity for finding in self.findings)
        counts = ", ".join(f"{loud[severity]} {severity}" for severity in reversed(Severity) if loud[severity])
        rows = f"{self.rows_read:,} rows read, {self.rows_good:,} good, {self.rows_quarantined:,} set aside"
        return f"<Result {self.verdict}: {rows}; findings: {counts or 'none'}>"

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all that reports need; usual values are worked out, since functions can't be kept."""
        kept = [_settled(measured, self.thresholds) for measured in self.measurements]
        return self.__dict__ | {"measurements": kept}

    def show(self, *, err: bool = False) -> None:
        """Print the result: to standard output, or to standard error with `err`."""
        from rich.console import Console

        from watchkeeper.report.terminal import print_result

        print_result(self, Console(stderr=err))

    def to_json(self) -> str:
        """The result as JSON text, as `check --json` writes it."""
        from watchkeeper.report.as_json import to_json

        return to_json(self)

    def to_html(self, path: str | Path) -> None:
        """Write the report: one self-contained page."""
        from watchkeeper.report.html import write_html

        write_html(self, path)

    def to_table(self) -> pa.Table:
        """All measurements, loud or not, as an Arrow table."""
        from watchkeeper.report.table import measurements

        return measurements(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from watchkeeper.report.notebook import fragment

        return fragment(self)


@dataclass(frozen=True)
class _Settled:
    """A measurement's usual values at the one threshold that counts: a `Band` that has been worked out."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __call__(self, _: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.low, self.high


def _settled(measured: Measurement, thresholds: dict[str, float]) -> Measurement:
    """The measurement without functions. `thresholds`: as `Result.thresholds`."""
    if isinstance(measured.band, _Settled) or (measured.band, measured.tell, measured.blame) == (None, None, None):
        return measured
    band = None
    if measured.band is not None:
        nats = np.array([thresholds.get(at.window_label, np.inf) for at in measured.slices])
        with np.errstate(all="ignore"):
            band = _Settled(*measured.band(nats))
    recent = None if measured.recent is None else _settled(measured.recent, thresholds)
    return replace(measured, law=None, recent=recent, band=band, tell=None, blame=None)
