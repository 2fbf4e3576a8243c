"""The true story in the demo's data: the files, where they come from, and what is known to have happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path


@dataclass(frozen=True)
class Episode:
    """One thing that went wrong: the columns it touched, and from when to when they held no value."""

    columns: tuple[str, ...]
    start: datetime
    """The first hour without a value."""
    end: datetime | None
    """The first hour with values again; None where they never came back."""
    sentence: str


@dataclass(frozen=True)
class Demo:
    """All that `watchkeeper demo` checks, and says of its source."""

    model: Path
    baseline: Path
    current: Path
    by: str
    """The window to cut both files into."""
    title: str
    source: str
    licence: str
    truth: tuple[Episode, ...]
    """What really happened, to compare with what was found."""


_ANALYSERS = ("CO(GT)", "NMHC(GT)", "NOx(GT)", "NO2(GT)")
_SENSORS = (
    *("PT08.S1(CO)", "PT08.S2(NMHC)", "PT08.S3(NOx)", "PT08.S4(NO2)", "PT08.S5(O3)"),
    *("C6H6(GT)", "T", "RH", "AH"),
)
_TRUTH = (
    Episode(
        _ANALYSERS,
        datetime(2004, 4, 3, 10, tzinfo=UTC),
        datetime(2004, 4, 5, 10, tzinfo=UTC),
        "3 April 10:00 to 5 April 09:00: four analysers measure nothing, together, for 48 hours",
    ),
    Episode(
        _SENSORS,
        datetime(2004, 4, 8, 23, tzinfo=UTC),
        datetime(2004, 4, 9, 23, tzinfo=UTC),
        "8 April 23:00 to 9 April 22:00: the sensors, benzene and the weather are silent for 24 hours",
    ),
    Episode(
        _ANALYSERS,
        datetime(2004, 4, 14, 13, tzinfo=UTC),
        datetime(2004, 4, 15, 9, tzinfo=UTC),
        "14 April 13:00 to 15 April 08:00: the four analysers are away for 20 hours",
    ),
    Episode(
        _ANALYSERS,
        datetime(2004, 4, 17, 3, tzinfo=UTC),
        datetime(2004, 4, 23, 5, tzinfo=UTC),
        "17 April 03:00 to 23 April 04:00: the four analysers are away for 146 hours",
    ),
    Episode(
        ("NMHC(GT)",),
        datetime(2004, 5, 1, 1, tzinfo=UTC),
        None,
        "1 May 01:00: the NMHC analyser dies, and never measures again",
    ),
    Episode(
        ("CO(GT)", "NOx(GT)", "NO2(GT)"),
        datetime(2004, 5, 8, 3, tzinfo=UTC),
        datetime(2004, 5, 10, 9, tzinfo=UTC),
        "8 May 03:00 to 10 May 08:00: the other three analysers are away once more, for 54 hours",
    ),
)


def files() -> Demo:
    """The data shipped in the package, their source and licence, and what is known of them."""
    data = Path(str(resources.files("watchkeeper.demo"))) / "data"
    return Demo(
        model=data / "watchkeeper.yaml",
        baseline=data / "baseline.csv",
        current=data / "current.csv",
        by="day",
        title="Air quality at road level in an Italian city, hour by hour, 3 April to 16 May 2004",
        source="De Vito et al., Sensors and Actuators B 129 (2008) 750-757; UCI data set 360, doi.org/10.24432/C59K5F",
        licence="CC BY 4.0",
        truth=_TRUTH,
    )
