"""What Watchkeeper, Evidently and NannyML say of the same days, each as it judges by default.

Evidently's verdict is that of `DataDriftPreset`: its own choice of test and threshold for each column, and drift of
the data set where half of the columns drift. Its tests are called as the preset calls them, but without the charts,
which take most of its time.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from days import START, Bools, Rows
from peers import PEERS, environment

import watchkeeper as wk
from watchkeeper.budget import Severity

EVIDENTLY = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
watched = {name: ColumnType.Numerical if before[name].dtype.kind == "f" else ColumnType.Categorical for name in before}
del watched["ts"]
found = {}
for day, rows in now.groupby(now["ts"].dt.date):
    told = []
    for name, kind in watched.items():
        pair = before[name].dropna(), rows[name].dropna()
        if get_stattest(*pair, kind, None)(*pair, kind, None).drifted:
            told.append(name)
    found[str(day)] = {"alarm": len(told) >= 0.5 * len(watched), "columns": told}
json.dump(found, open(sys.argv[3], "w"))
"""
NANNYML = """
import json, os, sys, warnings
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.simplefilter("ignore")
import nannyml, pandas as pd
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
watched = [name for name in before if name != "ts"]
drift = nannyml.UnivariateDriftCalculator(column_names=watched, timestamp_column_name="ts", chunk_period="D")
drift.fit(before)
told = drift.calculate(now).filter(period="analysis").to_df()
days = told[("chunk", "chunk", "start_date")].dt.date.astype(str)
alerts = told.loc[:, [at for at in told.columns if at[2] == "alert"]]
found = {}
for day, (_, row) in zip(days, alerts.iterrows()):
    names = sorted({at[0] for at, alert in row.items() if alert})
    found[day] = {"alarm": bool(names), "columns": names}
json.dump(found, open(sys.argv[3], "w"))
"""
PROGRAMS = {"Evidently": EVIDENTLY, "NannyML": NANNYML}


@dataclass(frozen=True)
class Said:
    """What one tool says of some days, in their order."""

    alarm: Bools
    """Ours: an alarm. Evidently: dataset drift. NannyML: any alert."""
    warning: Bools
    """Ours: a warning. Evidently and NannyML: drift of any column."""
    columns: list[set[str]]
    """The columns named on each day."""
    what: tuple[str, ...] = ()
    """Ours: day, severity, metric and columns of each finding, in words."""


def ours(before: Rows, now: Rows) -> Said:
    """Watchkeeper's verdict of each day; a finding without a window counts on the first."""
    days = np.unique(now.day)
    place = {day: i for i, day in enumerate(_names(days))}
    said = Said(np.zeros(len(days), bool), np.zeros(len(days), bool), [set() for _ in days])
    what = []
    for found in wk.check(now.table(), before.table(), by="day").findings:
        if found.severity is Severity.INFO:
            continue
        at = place.get((found.window or "").split("/")[0][:10], 0)
        (said.alarm if found.severity is Severity.ALARM else said.warning)[at] = True
        said.columns[at].update(found.columns)
        what.append(f"{found.severity} {found.metric}")
    return Said(said.alarm, said.warning, said.columns, tuple(what))


def theirs(peer: str, before: Rows, now: Rows, days: Bools, folder: Path) -> Said:
    """A peer's verdict of the rows `days` alone, in an environment of its own in the folder."""
    known = next(one for name, one in PEERS.items() if name.startswith(peer))
    python = environment(folder / f"env-{peer.lower()}", known)
    with tempfile.TemporaryDirectory() as place:
        paths = [str(Path(place) / name) for name in ("before.parquet", "now.parquet", "said.json")]
        _write(before.table(), paths[0])
        _write(now.table(days), paths[1])
        ran = subprocess.run([str(python), "-c", PROGRAMS[peer], *paths], capture_output=True, text=True, check=False)
        if ran.returncode:
            raise SystemExit(f"{peer} failed:\n{ran.stderr[-3000:]}")
        found = json.loads(Path(paths[2]).read_text())
    told = [found[name] for name in _names(np.unique(now.day[days]))]
    columns = [set(one["columns"]) for one in told]
    return Said(np.array([one["alarm"] for one in told]), np.array([bool(names) for names in columns]), columns)


def _names(days: np.ndarray) -> list[str]:
    return [str(START.astype("datetime64[D]") + day) for day in days.astype("timedelta64[D]")]


def _write(table: pa.Table, path: str) -> None:
    pq.write_table(table, path)
