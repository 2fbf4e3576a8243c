"""Four versions of the demo's model, brought out under load: gated, released, refused, rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchkeeper.delivery import deliver
from watchkeeper.demo.load import Load
from watchkeeper.demo.serving import serving
from watchkeeper.demo.story import Demo
from watchkeeper.model import Model, Role, load
from watchkeeper.model.clock import clock
from watchkeeper.model.config import FILE
from watchkeeper.release import registry
from watchkeeper.release.gate.gate import gate
from watchkeeper.release.gate.verdict import Gate
from watchkeeper.release.python import register
from watchkeeper.state import deployment
from watchkeeper.state.deployment import Action, Deployment
from watchkeeper.watch.add import add
from watchkeeper.watch.home import Home, opened

WHO = "demo"
SENSORS = ("PT08.S1(CO)", "PT08.S2(NMHC)", "PT08.S3(NOx)", "PT08.S4(NO2)", "PT08.S5(O3)")
INPUTS = (*SENSORS, "T", "RH", "AH")
HELD_OUT = datetime(2004, 3, 29, tzinfo=UTC)
LIVE = datetime(2004, 4, 3, tzinfo=UTC)
SILENT = datetime(2004, 4, 8, 23, tzinfo=UTC)
RETURNED = datetime(2004, 4, 9, 23, tzinfo=UTC)
"""When the versions' last data were measured, when they were served, and when the sensors measured nothing."""
DECLARED = """\

gate: {min_rows: 100}    # labelled hours below which nothing is decided
rollback: {}             # a version that fails live goes back by itself
"""
CONFIG = "serving: {skops_types: [numpy.dtype]}   # beyond scikit-learn's own: what fills in missing values keeps one\n"
QUIET_SECONDS = 1.0
PATIENCE = 30.0


@dataclass(frozen=True)
class Scene:
    """What happened to one version."""

    version: str
    what: str
    """What its makers changed."""
    verdict: Gate
    refused: str | None
    """Why it was not released."""
    back: Deployment | None
    """The rollback that followed."""
    asked: int
    """Requests since the version before, and how many failed."""
    failed: int
    answered: dict[str, int]
    """Answers since then, by the version that gave them."""


@dataclass(frozen=True)
class _Rows:
    """The station's hours, typed, with the hour itself as the column `at`."""

    table: pa.Table

    def between(self, start: datetime | None, end: datetime) -> pa.Table:
        at = self.table["at"]
        wanted = pc.less(at, pa.scalar(end, at.type))
        if start is not None:
            wanted = pc.and_(wanted, pc.greater_equal(at, pa.scalar(start, at.type)))
        return self.table.filter(wanted)


def play(story: Demo, folder: Path) -> Iterator[Scene]:
    """Bring out four versions in a new home, each asked all the time by four clients. Raises `WatchkeeperError`."""
    yaml = folder.parent / "watchkeeper.yaml"
    yaml.write_text(story.model.read_text() + DECLARED)
    model = load(yaml)
    rows = _rows(story, model)
    truth = model.only(Role.LABEL) or ""
    learn = _complete(rows.between(None, HELD_OUT), truth)
    held = folder.parent / "held-out.parquet"
    pq.write_table(_complete(rows.between(HELD_OUT, LIVE), truth).drop_columns("at"), held)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(CONFIG)
    with opened(folder, make=True) as home:
        add(home, yaml, [str(story.baseline)], now=clock(), who=WHO)
        usual, silent = rows.between(LIVE, SILENT), rows.between(SILENT, RETURNED)
        estimators = _estimators(learn, truth)
        what, first = next(estimators)
        verdict = _gated(home, model, first, held)
        registry.release(home, model.name, verdict.version, now=clock(), who=WHO)
        with serving("gateway", folder) as url, Load(url, model.name, _requests(usual)) as clients:
            clients.until(lambda: clients.last == verdict.version, PATIENCE)
            yield _scene(clients, what, verdict)
            for what, estimator in estimators:
                verdict = _gated(home, model, estimator, held)
                yield _brought_out(home, clients, what, verdict, _requests(silent))


def _brought_out(home: Home, clients: Load, what: str, verdict: Gate, silent: list[bytes]) -> Scene:
    """Release a version that passed, and go on until it answers; the last one lives to see the sensors fail."""
    try:
        registry.release(home, verdict.model, verdict.version, now=clock(), who=WHO)
    except registry.NotPassed as refused:
        return _scene(clients, what, verdict, refused=str(refused))
    clients.until(lambda: clients.last == verdict.version, PATIENCE)
    clients.go_on(QUIET_SECONDS)
    if verdict.version != "v4":
        return _scene(clients, what, verdict)
    clients.asks(silent)
    clients.until(lambda: _last(home, verdict.model).action is Action.ROLLBACK, PATIENCE)
    back = _last(home, verdict.model)
    clients.go_on(QUIET_SECONDS)
    return _scene(clients, what, verdict, back=back)


def _scene(
    clients: Load, what: str, verdict: Gate, *, refused: str | None = None, back: Deployment | None = None
) -> Scene:
    asked, failed, answered = clients.told()
    return Scene(verdict.version, what, verdict, refused, back, asked, failed, answered)


def _last(home: Home, model: str) -> Deployment:
    return deployment.log(home.store, model)[-1]


def _gated(home: Home, model: Model, estimator: Any, held: Path) -> Gate:
    """Register an estimator and hold it to the gate."""
    new = register(
        model.name, estimator, home=home.folder, inputs=INPUTS, data_from="2004-03-23T00:00Z", data_to=HELD_OUT
    )
    return gate(home, model.name, new.version, str(held), now=clock(), who=WHO)


def _estimators(learn: pa.Table, truth: str) -> Iterator[tuple[str, Any]]:
    """What was changed, and the fitted estimator, version by version."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.column_stack([learn[name].to_numpy() for name in INPUTS])
    y = learn[truth].to_numpy()
    one = make_column_transformer((SimpleImputer(), [INPUTS.index("PT08.S5(O3)")]))
    yield "a line through one sensor", make_pipeline(one, LinearRegression()).fit(x, y)
    yield "all sensors and the weather", make_pipeline(SimpleImputer(), StandardScaler(), Ridge()).fit(x, y)
    turned = np.roll(x, 1, axis=1)
    yield (
        "trained with the columns in another order than they are served",
        make_pipeline(SimpleImputer(), StandardScaler(), Ridge()).fit(turned, y),
    )
    yield "tidied up: without what fills in missing values", make_pipeline(StandardScaler(), Ridge()).fit(x, y)


def _rows(story: Demo, model: Model) -> _Rows:
    blocks = [block.table for file in (story.baseline, story.current) for block in deliver(file, model).blocks()]
    table = pa.concat_tables(blocks, promote_options="default")
    hour = pc.cast(pc.utf8_slice_codeunits(pc.cast(table["Time"], pa.string()), 0, 2), pa.int64())
    at = pc.add(pc.cast(table[model.only(Role.TIMESTAMP) or ""], pa.int64()), pc.multiply(hour, 3_600_000_000))
    return _Rows(table.append_column("at", pc.cast(at, pa.timestamp("us", "UTC"))))


def _complete(table: pa.Table, truth: str) -> pa.Table:
    """Hours with all values, as whoever makes training data often keeps them: what v4 fails by is not among them."""
    for name in (truth, *INPUTS):
        table = table.filter(pc.is_valid(table[name]))
    return table


def _requests(table: pa.Table) -> list[bytes]:
    """A request of the Open Inference Protocol an hour."""
    from msgspec import json

    columns = {name: table[name].to_pylist() for name in INPUTS}
    return [
        json.encode(
            {
                "inputs": [
                    {"name": name, "shape": [1], "datatype": "FP64", "data": [columns[name][row]]} for name in INPUTS
                ]
            }
        )
        for row in range(table.num_rows)
    ]
