"""The registry from Python: register a model in the script that trains it, release it, go back."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.clock import clock
from watchkeeper.model.error import NotInstalled
from watchkeeper.model.person import person
from watchkeeper.release import mirror, registry
from watchkeeper.release.gate.verdict import Gate
from watchkeeper.release.lineage import lineage
from watchkeeper.runtime import Refused
from watchkeeper.state.deployment import Deployment
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home, opened
from watchkeeper.watch.period import moment

Moment = str | datetime
Named = str | Path | Mapping[str, Any]


class NotAModel(WatchkeeperError):
    """Something was to be registered that is no file, no fitted scikit-learn estimator and no ONNX model."""


def register(
    model: str,
    what: Any = None,
    *,
    version: str | None = None,
    home: str | Path | None = None,
    inputs: Sequence[str] | None = None,
    function: str | None = None,
    url: str | None = None,
    data: Any = None,
    data_from: Moment | None = None,
    data_to: Moment | None = None,
    config: Named | None = None,
    parameters: Mapping[str, Any] | None = None,
    metrics: Named | None = None,
    thresholds: Named | None = None,
) -> Version:
    """Keep a version of a model: a file, a fitted scikit-learn estimator, or an ONNX model in memory.

    Commit, environment and hyper-parameters are taken by themselves, and from the training `data` (paths, or tables)
    the period, the rows and the SHA-256. `config`, `metrics`, `thresholds`: mappings, or JSON or YAML files. `home`:
    without it $WATCHKEEPER_HOME, else `.watchkeeper`. An estimator is kept by `skops`. Raises `WatchkeeperError`.
    """
    with _file(model, what) as file, opened(home) as at:
        known = lineage(
            at.model(model),
            folder=_code(),
            parameters=parameters if parameters is not None else _parameters(what),
            config=config,
            data=data,
            data_from=_micro(data_from),
            data_to=_micro(data_to),
            metrics=metrics,
            thresholds=thresholds,
        )
        more: dict[str, Any] = {"version": version, "inputs": inputs, "function": function, "url": url}
        return registry.register(at, model, file, lineage=known, **more, now=clock(), who=person())


def versions(model: str, *, home: str | Path | None = None) -> list[Version]:
    """All versions of a model, oldest first. Raises `WatchkeeperError`."""
    with opened(home) as at:
        return registry.versions(at, model)


def live(model: str, at: Moment | None = None, *, home: str | Path | None = None) -> Version | None:
    """The version that is live, or was at a time; None where none was. Raises `WatchkeeperError`."""
    with opened(home) as where:
        where.model(model)
        return registry.live(where, model, _micro(at))


def release(model: str, version: str, *, force: str | None = None, home: str | Path | None = None) -> Deployment:
    """Put a version live that the gate let through; `force` says why one that it did not. Raises `WatchkeeperError`."""
    with opened(home) as at:
        done = registry.release(at, model, version, force=force, now=clock(), who=person())
        _mirror(at, model)
        return done


def rollback(model: str, to: str | None = None, *, why: str, home: str | Path | None = None) -> Deployment:
    """Put the previous version live again, or any other that was live before. Raises `WatchkeeperError`."""
    with opened(home) as at:
        done = registry.rollback(at, model, to, why=why, now=clock(), who=person())
        _mirror(at, model)
        return done


def gate(
    model: str,
    version: str,
    holdout: str | Path,
    *,
    home: str | Path | None = None,
    model_fn: str | None = None,
    train: Sequence[str | Path] = (),
) -> Gate:
    """Say whether a version may go live: its `outcome` is PASS, FAIL or INCONCLUSIVE, its `failed` checks say why.

    `holdout`: a file with labels, or `last:7d`. `model_fn`: `pipeline.py:predict`, a function of yours that answers for
    the version. `train`: the files that it was trained on. The verdict is kept: `release` goes by it. Raises
    `WatchkeeperError`; whatever goes wrong with the version itself is in the verdict.
    """
    from watchkeeper.release.gate.gate import gate as judged

    files = [str(file) for file in train]
    with opened(home) as at:
        return judged(at, model, version, str(holdout), model_fn=model_fn, train=files, now=clock(), who=person())


def _mirror(home: Home, model: str) -> None:
    told = mirror.follow(home, model)
    if told is not None and not told.heard:
        warnings.warn(told.sentence, stacklevel=3)


@contextmanager
def _file(model: str, what: Any) -> Iterator[str | Path | None]:
    """What is to be kept, as a file."""
    if what is None or isinstance(what, str | Path):
        yield what
        return
    with tempfile.TemporaryDirectory(prefix="watchkeeper-") as folder:
        if hasattr(what, "SerializeToString"):
            path = Path(folder) / f"{model}.onnx"
            path.write_bytes(what.SerializeToString())
        elif hasattr(what, "get_params") and hasattr(what, "predict"):
            path = Path(folder) / f"{model}.skops"
            _dumped(what, path)
        else:
            raise NotAModel(
                f"a {type(what).__qualname__} can't be registered: give a path, a fitted scikit-learn estimator or an "
                "ONNX model. For anything else, name a function of yours: function='pipeline.py:predict'."
            )
        try:
            yield path
        except Refused as refused:  # of a file that nobody but this function has seen
            raise Refused(str(refused).replace(str(path), f"this {type(what).__qualname__}")) from refused


def _dumped(estimator: Any, path: Path) -> None:
    try:
        from skops.io import dump
    except ModuleNotFoundError as missing:
        raise NotInstalled(
            f"keeping an estimator needs {missing.name}. Run: pip install 'watchkeeper[gateway]'"
        ) from missing
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError as unfitted:
        raise NotAModel(
            f"this {type(estimator).__qualname__} is not fitted yet. Call fit() before it is registered."
        ) from unfitted
    dump(estimator, path)


def _parameters(what: Any) -> Mapping[str, Any] | None:
    return what.get_params() if hasattr(what, "get_params") else None


def _code() -> Path:
    """Where the script lies that runs, else the working folder."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    outside = script is not None and not Path(script).absolute().is_relative_to(sys.prefix)
    return Path(str(script)).absolute().parent if outside else Path.cwd()


def _micro(at: Moment | None) -> int | None:
    return None if at is None else moment(at.isoformat() if isinstance(at, datetime) else at)
