"""A file of held-out rows: its good rows with a label, and what `check` says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from watchkeeper.delivery import Block, deliver, expand
from watchkeeper.delivery.convert import is_read
from watchkeeper.model import Model, Role, Type
from watchkeeper.release.gate.holdout import CannotGate, Drawn, Holdout, Told
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import Verdict, mask, words
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.check import check
from watchkeeper.watch.home import Home

SERVED = (Role.PREDICTION, Role.SCORE, Role.VERSION, Role.LABEL_TIME)
"""Columns that held-out rows need not have."""


def labelled_rows(home: Home, model: Model, asked: str, told: Told | None) -> Holdout:
    """A file's good rows that have a label; its own verdict is one of the checks."""
    sources = expand([asked])
    if len(sources) > 1:
        raise CannotGate(f"--holdout {asked} names {len(sources)} files. Give one, so that its verdict is one too.")
    source, model = sources[0], _without_served(sources[0], model)
    result = check(source, baseline_of(home, model, home.lake(model)), model=model, told=told)
    delivery = deliver(source, model)
    drawn = Drawn(model)
    for block, came in _twice(delivery.blocks(), _as_it_came(source, model)):
        drawn.add(block.rows, block.table, came)
    worst = next((mask.message(finding, model, 300) for finding in result.findings), "")
    verdict = _verdict(result.verdict, result.rows_quarantined, result.rows_read, worst, delivery.name)
    bad = [row.row for row in delivery.bad_rows(None)]
    table, inputs, unlabelled = drawn.taken(bad)
    if result.verdict is Verdict.REJECT_FILE:
        table, inputs = table.slice(0, 0), inputs.slice(0, 0)
    return Holdout(
        name=Path(delivery.name).name,
        table=table,
        inputs=inputs,
        rows=result.rows_read,
        bad=result.rows_quarantined,
        unlabelled=unlabelled,
        left_over=drawn.left_over,
        sha256=delivery.digest,
        checks=(verdict,),
    )


def good_rows(model: Model, asked: str, told: Told | None) -> Holdout:
    """A file's good rows, with or without labels; columns that it lacks are left out."""
    sources = expand([asked])
    if len(sources) > 1:
        raise CannotGate(f"--on {asked} names {len(sources)} files. Give one.")
    drawn, model = Drawn(model, labelled=False), _without_lacking(model, sources[0])
    delivery = deliver(sources[0], model)
    for block, came in _twice(delivery.blocks(), _as_it_came(sources[0], model)):
        drawn.add(block.rows, block.table, came)
        if told:
            told(len(block.rows))
    if delivery.rejected:
        worst = words.inert(delivery.violations[0].message, 300)
        raise CannotGate(f"{delivery.name} is rejected: {worst} `watchkeeper check` tells all that is wrong with it.")
    bad = [row.row for row in delivery.bad_rows(None)]
    table, inputs, _ = drawn.taken(bad)
    name = Path(delivery.name).name
    return Holdout(name, table, inputs, delivery.rows_read, bad=len(bad), left_over=drawn.left_over)


def _without_served(source: object, model: Model) -> Model:
    """The model without those columns that only serving or a later time knows, where the file does not have them."""
    wanted = deliver(source, model).violations
    absent = {name for one in wanted if one.check == "missing_column" for name in one.columns}
    columns = {name: c for name, c in model.columns.items() if name not in absent or c.role not in SERVED}
    if len(columns) == len(model.columns):
        return model
    segments = [name for name in model.segments if name in columns]
    return model.model_copy(update={"columns": columns, "segments": segments})


def _without_lacking(model: Model, source: object) -> Model:
    """The model without the columns that a file lacks."""
    opened = deliver(source, model)
    lacking = {name for one in opened.violations if one.check == "missing_column" for name in one.columns}
    kept = {name: column for name, column in model.columns.items() if name not in lacking}
    key = [] if lacking & set(model.primary_key) else model.primary_key
    return model.model_copy(update={"columns": kept, "primary_key": key}) if lacking else model


def _verdict(verdict: Verdict, bad: int, rows: int, worst: str, name: str) -> Checked:
    """What the file's own check says of it."""
    facts = {"verdict": verdict.value, "rows": rows, "quarantined": bad}
    shown = words.inert(Path(name).name, 60)
    if verdict is Verdict.REJECT_FILE:
        remedy = "Mend the file, or give another one; `watchkeeper check` tells all that is wrong with it."
        return Checked("held_out_file", Outcome.FAIL, f"{shown} is rejected: {worst}", remedy, facts)
    if verdict is Verdict.QUARANTINE_ROWS:
        sentence = f"{shown}: {bad:,} of {words.plural(rows, 'row')} are bad and were left out. {worst}"
        return Checked("held_out_file", Outcome.PASS, sentence, facts=facts)
    note = f" {worst}" if verdict is Verdict.ACCEPT_WITH_WARNING else ""
    return Checked("held_out_file", Outcome.PASS, f"{shown}: no row is bad ({verdict.value}).{note}", facts=facts)


def _as_it_came(source: object, model: Model) -> Iterator[Block] | None:
    """The same rows without the reading of sentinels and of texts that mean "no value"; None where there are none."""
    plain = {
        name: column.model_copy(update={"sentinels": [], "missing": None})
        for name, column in model.columns.items()
        if is_read(column) and (column.sentinels or (column.missing and column.type is Type.STRING))
    }
    if not plain:
        return None
    columns = {name: plain.get(name, column) for name, column in model.columns.items()}
    return deliver(source, model.model_copy(update={"columns": columns}), strict=False).blocks()


def _twice(blocks: Iterator[Block], plain: Iterator[Block] | None) -> Iterator[tuple[Block, pa.Table]]:
    """Blocks beside the same rows as they came, which are cut into blocks alike."""
    if plain is None:
        yield from ((block, block.table) for block in blocks)
        return
    for block, other in zip(blocks, plain, strict=True):
        if not np.array_equal(block.rows, other.rows):
            raise AssertionError("two readings of one file tell its rows apart otherwise")
        yield block, other.table
