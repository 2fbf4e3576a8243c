"""Makes a model known to a home, and gives it a baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import JOINT
from watchkeeper.lake import Lake
from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.model.yaml_file import parse as read_model
from watchkeeper.model.yaml_file import text_of
from watchkeeper.profiles import ProfileFile, TimeWindows, parse
from watchkeeper.profiles.codec import packed, unpacked
from watchkeeper.report import Result, mask
from watchkeeper.sdk import inbox_of
from watchkeeper.state import audit, window
from watchkeeper.state import baseline as baselines
from watchkeeper.state import model as models
from watchkeeper.watch.basis import basis
from watchkeeper.watch.check import check
from watchkeeper.watch.home import Home
from watchkeeper.watch.profiled import expanded, profiles_among
from watchkeeper.watch.reference import Told
from watchkeeper.watch.windowed import KEPT


class CannotRun(WatchkeeperError):
    """A model can be checked file by file, but not watched continuously: the text says what it lacks."""


class NoBaseline(WatchkeeperError):
    """A model has no baseline to be held against."""

    exit_code = 4


@dataclass(frozen=True)
class Added:
    """What became of a model or a baseline."""

    model: str
    revision: int
    baseline: str
    """The baseline's id."""
    windows: int
    rows: int
    again: int
    """Windows that are profiled again, on the new baseline's edges."""
    silenced: tuple[Finding, ...] | None = ()
    """In what the new baseline differs from the old one: alarms about it are silent from now on. Of each column and
    metric the loudest; None where profiles were given, of which that can't be told."""


@dataclass(frozen=True)
class Ready:
    """A model that can be added: its YAML and its baseline are read, and nothing is kept yet."""

    text: str
    model: Model
    baseline: ProfileFile


def read(path: Path, files: Sequence[str], told: Told | None = None) -> Ready:
    """A model as its YAML file says, with these files as its baseline; no home is touched.

    Raises `CannotRun`, `ModelError`, `BaselineUnreadable`.
    """
    text = text_of(path)
    model = read_model(text, str(path))
    _watchable(model, path)
    return Ready(text, model, basis(model, files, told))


def keep(home: Home, ready: Ready, *, now: int, who: str, reason: str = "added") -> Added:
    """Make a model known, or declare it anew."""
    written = _written(home, ready.model, ready.baseline, None)
    revision = models.put(home.store, ready.model.name, ready.text, now, who)
    inbox_of(home.folder, ready.model.name).mkdir(parents=True, exist_ok=True)
    return _take(home, ready.model, written, revision, reason, now, who)


def add(home: Home, path: Path, files: Sequence[str], *, now: int, who: str, told: Told | None = None) -> Added:
    """Make the model of a YAML file known, or declare it anew, with these files as its baseline.

    Nothing is kept of a model whose baseline can't be read. Raises `CannotRun`, `ModelError`, `BaselineUnreadable`.
    """
    return keep(home, read(path, files, told), now=now, who=who)


def rebase(
    home: Home,
    model: Model,
    files: Sequence[str],
    *,
    reason: str,
    now: int,
    who: str,
    version: str | None = None,
    told: Told | None = None,
) -> Added:
    """Give a model, or one version of it, another baseline; its newest windows are profiled again.

    Raises `BaselineUnreadable`.
    """
    declared = models.get(home.store, model.name)
    file = basis(model, files, told)
    before = baseline_of(home, model, home.lake(model), version)
    silenced = None
    if not profiles_among(expanded(list(files)), counts=False):  # profiles on other edges can't be compared
        silenced = _differences(check(list(files), before, model=model, by=model.window, told=told))
    what = None if silenced is None else [mask.sentence(finding, model) for finding in silenced]
    revision = 0 if declared is None else declared.revision
    taken = _take(home, model, _written(home, model, file, version), revision, reason, now, who)
    audit.append(
        home.store,
        who,
        "baseline silences",
        model.name,
        {"baseline": taken.baseline, "version": version, "what": what},
        now,
    )
    return replace(taken, silenced=silenced)


def baseline_of(home: Home, model: Model, lake: Lake, version: str | None = None) -> ProfileFile:
    """The profiles that a model, or one version of it, is held against now. Raises `NoBaseline`."""
    taken = baselines.current(home.store, model.name, version)
    data = None if taken is None else lake.place.read(taken.path)
    if taken is None or data is None:
        where = "" if taken is None else f" at {lake.place.below(taken.path).uri}"
        raise NoBaseline(
            f"{model.name} has no baseline{where}. Give it one: watchkeeper baseline {model.name} FILES --reason WHY."
        )
    return unpacked(data, f"the baseline {taken.name} of {model.name}")


@dataclass(frozen=True)
class _Written:
    """A baseline that lies in the lake, and is not in use yet."""

    name: str
    path: str
    version: str | None
    file: ProfileFile


def _written(home: Home, model: Model, file: ProfileFile, version: str | None) -> _Written:
    data = packed(file)
    own = b"" if version is None else b"\0" + version.encode()  # two versions may be given the same data
    name = hashlib.sha256(data + own).hexdigest()[:16]
    path = f"baselines/{name}.parquet"
    home.lake(model).place.write(path, data)
    return _Written(name, path, version, file)


def _take(home: Home, model: Model, of: _Written, revision: int, reason: str, now: int, who: str) -> Added:
    new = baselines.put(home.store, model.name, of.name, reason, of.path, of.version, now, who)
    newest = [one.span for one in window.finished(home.store, model.name)][-KEPT:] if new else []
    window.touch(home.store, model.name, newest, now)
    return Added(model.name, revision, of.name, of.file.profiles.windows, of.file.profiles.total, len(newest))


def _differences(result: Result) -> tuple[Finding, ...]:
    """The alarms about the new data, of each column and metric the loudest."""
    loudest: dict[tuple[str, tuple[str, ...]], Finding] = {}
    for finding in result.findings:
        if finding.kind == "change" and finding.severity is Severity.ALARM and finding.metric not in JOINT:
            held = loudest.get((finding.metric, finding.columns))
            if held is None or (finding.evidence or 0.0) > (held.evidence or 0.0):
                loudest[finding.metric, finding.columns] = finding
    return tuple(sorted(loudest.values(), key=lambda finding: -(finding.evidence or 0.0)))


def _watchable(model: Model, path: Path) -> None:
    """Raises `CannotRun`."""
    if not isinstance(parse(model.window), TimeWindows):
        raise CannotRun(
            f"{path}: window is {model.window}, and events are watched by time. Write hour, day, week or month."
        )
    if model.only(Role.TIMESTAMP) is None:
        raise CannotRun(
            f"{path}: no column has the role `timestamp`, so windows can't be cut. Say which column of the baseline "
            "holds the event time: `watchkeeper init FILES --timestamp COLUMN -o M.yaml`."
        )
