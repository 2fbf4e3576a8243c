"""What a check says of the data: how much, how different, and how strongly the data speak against "nothing changed"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.profiles import Baseline, Profiles, Slice
from watchkeeper.stats.law import Law

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Band = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Series:
    """Values of windows that follow one another in time."""

    slices: tuple[Slice, ...]
    values: Floats
    """Shape (windows,); NaN where a window says nothing."""


@dataclass(frozen=True)
class Measurement:
    """One metric of one column (or pair, or table) over all slices: the arrays have shape (slices,)."""

    metric: str
    columns: tuple[str, ...]
    """Empty where it is about the table, or covers many columns and `blame` names those that matter."""
    value: Floats
    """The statistic in its own unit; NaN where it can't be measured."""
    rows: Ints
    """The rows behind each value."""
    effect: Floats | None = None
    """The change against the baseline, in the metric's unit; None where nothing is compared."""
    law: Law | None = None
    """What chance and natural variation do to the value; None where it is never judged, or `evidence` is given."""
    evidence: Floats | None = None
    """-ln p in nats against "nothing changed", two-sample; NaN where too few rows; None where never judged."""
    recent: Measurement | None = None
    """The same against the windows just before each slice; no evidence where there are too few."""
    lasting: Floats | None = None
    """Evidence of this window and those before it together, in nats, shape (slices,)."""
    series: Series | None = None
    """The same windows after those of the baseline, each held against the others of it, as one series through time."""
    reference: Floats | None = None
    """The baseline's value, shape (slices,)."""
    unit: str = ""
    """What the value is counted in, where the metric's name leaves it open; floors may differ by it."""
    scale: float = 1.0
    """What the metric's floor is a multiple of, in the value's unit (the baseline's range, its rows)."""
    band: Band | None = None
    """Threshold in nats, shape (slices,), to the lowest and highest value whose evidence stays within it."""
    needs_variance: bool = False
    """Whether the evidence stands on how the baseline's windows differ among themselves."""
    interval: tuple[Floats, Floats] | None = None
    """A 95 % confidence interval of the value (quality metrics)."""
    tell: Callable[[int], str] | None = None
    """More about slice number i, for the finding's sentence: what rose, from what to what."""
    blame: Callable[[int], tuple[str, ...]] | None = None
    """The columns that contribute most to slice number i, where the metric covers many and they differ by slice."""
    check: str = ""
    slices: tuple[Slice, ...] = ()
    few: Bools | None = None
    """Slices with too few rows to say anything."""

    @property
    def judged(self) -> bool:
        """Whether the measurement shares the budget."""
        return self.evidence is not None

    def was(self, i: int) -> float | None:
        """The baseline's value for slice number i; None where it has none."""
        return None if self.reference is None or np.isnan(self.reference[i]) else float(self.reference[i])


Say = Callable[[Measurement, int, tuple[float | None, float | None]], str]


@dataclass(frozen=True)
class Check:
    """A question put to profiles. It measures; the budget judges."""

    name: str
    measure: Callable[[Profiles, Baseline], Iterator[Measurement]]
    """From the profiles of one segment's windows and the baseline of the same segment."""
    sees: str
    blind: str
    remedy: str
    say: Say
    """The finding's sentence for slice number i, given the values that would be usual."""
    by_slice: bool = False
    """Whether it looks at what `Baseline[column]` gives, which may be another part of the baseline for each slice. Only
    then does the budget learn how its measurements vary when nothing is wrong."""
