"""Held-out rows: a file, or the newest events whose labels have come; what is left out is counted and said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from watchkeeper.delivery import Block, deliver, expand
from watchkeeper.delivery.convert import is_read
from watchkeeper.delivery.fingerprint import mixed
from watchkeeper.lake import Lake, block_of, rows_of
from watchkeeper.lake.extent import extent
from watchkeeper.model import Model, Role, Type, WatchkeeperError
from watchkeeper.model.clock import instant
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import Verdict, mask, words
from watchkeeper.state import window
from watchkeeper.watch.add import baseline_of
from watchkeeper.watch.check import check
from watchkeeper.watch.home import Home
from watchkeeper.watch.labelled import kept
from watchkeeper.watch.maturity import State, outlook

Told = Callable[[int], None]
Ints = NDArray[np.int64]
Span = tuple[int, int]

MOST_ROWS = 1_000_000
"""Of more held-out rows so many are drawn: an interval is then narrower than any margin worth stating."""
SERVED = (Role.PREDICTION, Role.SCORE, Role.VERSION, Role.LABEL_TIME)
"""Columns that held-out rows need not have."""
_LAST = re.compile(r"last:([1-9]\d{0,4})([hdw])")
_UNITS = {"h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}


class CannotGate(WatchkeeperError):
    """A candidate can't be judged at all, because the model or the held-out rows lack what that takes."""


@dataclass(frozen=True, eq=False)
class Holdout:
    """Held-out rows with their labels."""

    name: str
    """The file's name, or `last:7d`."""
    table: pa.Table
    """The model's columns as values: what stands for a missing value is null."""
    inputs: pa.Table
    """The same rows with every value as it came, which is what a model is given."""
    rows: int
    """Rows that were there."""
    bad: int = 0
    """Rows that were set aside."""
    unlabelled: int = 0
    left_over: int = 0
    """Good rows with a label that were not drawn, because there are more than anybody needs."""
    sha256: str | None = None
    checks: tuple[Checked, ...] = ()
    """What the rows' own state says."""

    def times(self, model: Model) -> Ints | None:
        """When each event was, microseconds since 1970, shape (n,); None where the model has no timestamp."""
        column = model.only(Role.TIMESTAMP)
        if column is None or column not in self.table.column_names or model.columns[column].type is not Type.TIMESTAMP:
            return None
        at = self.table[column].combine_chunks()
        return np.asarray(at.cast(pa.int64()).fill_null(np.iinfo(np.int64).min))

    def span(self, model: Model) -> Span | None:
        """The first and the last event time."""
        times = self.times(model)
        known = None if times is None else times[times > np.iinfo(np.int64).min]
        return None if known is None or not len(known) else (int(known.min()), int(known.max()))


def held_out(home: Home, model: Model, asked: str, *, now: int, told: Told | None = None) -> Holdout:
    """The rows of a file, or those of `last:7d` (`h`, `d`, `w`). Raises `CannotGate`, `NoSuchFile`, `NoBaseline`."""
    if model.only(Role.LABEL) is None:
        raise CannotGate(
            f"{model.name} has no column with the role `label`, so nothing tells a good candidate from a bad one. "
            "Declare it in the YAML and run `watchkeeper add` again."
        )
    if found := _LAST.fullmatch(asked):
        return _latest(home, model, asked, int(found[1]) * _UNITS[found[2]], now=now, told=told)
    if asked.startswith("last:"):
        raise CannotGate(f"--holdout {asked}: write a number and h, d or w, such as last:7d, or the path of a file.")
    return _file(home, model, asked, told)


def rows_to_compare(home: Home, model: Model, asked: str, *, told: Told | None = None) -> Holdout:
    """The good rows of a file, or the events of `last:7d`, with or without labels; no verdict on them is made.

    Columns that the file lacks are left out. Raises `CannotGate`, `NoSuchFile`.
    """
    drawn = _Drawn(model, labelled=False)
    if found := _LAST.fullmatch(asked):
        return _events(home.lake(model), model, asked, int(found[1]) * _UNITS[found[2]], drawn, told)
    if asked.startswith("last:"):
        raise CannotGate(f"--on {asked}: write a number and h, d or w, such as last:7d, or the path of a file.")
    sources = expand([asked])
    if len(sources) > 1:
        raise CannotGate(f"--on {asked} names {len(sources)} files. Give one.")
    model = _without_lacking(model, sources[0])
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


def _events(lake: Lake, model: Model, asked: str, length: int, drawn: _Drawn, told: Told | None) -> Holdout:
    """The newest events, labelled or not."""
    newest, outcomes, rows = extent(lake, "events").newest, lake.outcomes(), 0
    if newest is None:
        raise CannotGate(f"--on {asked}: the lake has no event of {model.name}. Log its events, or give a file.")
    for batch in lake.events(newest + 1 - length, newest + 1):
        labels = outcomes.labels_for(batch.column("id"))
        block = block_of(batch, labels, model, rows + 1)
        drawn.add(block.rows, block.table, rows_of(batch, labels, model))
        rows += batch.num_rows
        if told:
            told(batch.num_rows)
    table, inputs, _ = drawn.taken([])
    return Holdout(asked, table, inputs, rows, left_over=drawn.left_over)


def _without_lacking(model: Model, source: object) -> Model:
    """The model without the columns that a file lacks."""
    opened = deliver(source, model)
    lacking = {name for one in opened.violations if one.check == "missing_column" for name in one.columns}
    kept = {name: column for name, column in model.columns.items() if name not in lacking}
    key = [] if lacking & set(model.primary_key) else model.primary_key
    return model.model_copy(update={"columns": kept, "primary_key": key}) if lacking else model


def _file(home: Home, model: Model, asked: str, told: Told | None) -> Holdout:
    """A file's good rows that have a label; its own verdict is one of the checks."""
    sources = expand([asked])
    if len(sources) > 1:
        raise CannotGate(f"--holdout {asked} names {len(sources)} files. Give one, so that its verdict is one too.")
    source, model = sources[0], _without_served(sources[0], model)
    result = check(source, baseline_of(home, model, home.lake(model)), model=model, told=told)
    delivery = deliver(source, model)
    drawn = _Drawn(model)
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


def _without_served(source: object, model: Model) -> Model:
    """The model without those columns that only serving or a later time knows, where the file does not have them."""
    wanted = deliver(source, model).violations
    absent = {name for one in wanted if one.check == "missing_column" for name in one.columns}
    columns = {name: c for name, c in model.columns.items() if name not in absent or c.role not in SERVED}
    if len(columns) == len(model.columns):
        return model
    segments = [name for name in model.segments if name in columns]
    return model.model_copy(update={"columns": columns, "segments": segments})


def _latest(home: Home, model: Model, asked: str, length: int, *, now: int, told: Told | None) -> Holdout:
    """The events of the last days whose labels have come, as they were served."""
    lake = home.lake(model)
    end, matured = _matured(home, model, lake, now)
    if end is None:
        raise CannotGate(
            f"--holdout {asked}: the lake has no event of {model.name}. Log its predictions and labels, move them "
            "there by `watchkeeper run`, or give a file."
        )
    outcomes, drawn, rows = lake.outcomes(), _Drawn(model), 0
    for batch in lake.events(end - length, end):
        labels = outcomes.labels_for(batch.column("id"))
        block = block_of(batch, labels, model, rows + 1)
        drawn.add(block.rows, block.table, rows_of(batch, labels, model))
        rows += batch.num_rows
        if told:
            told(batch.num_rows)
    table, inputs, unlabelled = drawn.taken([])
    return Holdout(
        name=asked,
        table=table,
        inputs=inputs,
        rows=rows,
        unlabelled=unlabelled,
        left_over=drawn.left_over,
        checks=(matured,),
    )


def _matured(home: Home, model: Model, lake: Lake, now: int) -> tuple[int | None, Checked]:
    """Up to when the labels have come, as far as that is known, and a sentence about it."""
    newest = extent(lake, "events").newest
    judged = window.newest(home.store, model.name, now)
    counted = kept(lake, judged) if judged else []
    view = outlook(counted, now)
    if newest is None or not counted or not view.dated:
        sentence = "How late labels come is not known here; all labels that are there count."
        return None if newest is None else newest + 1, Checked("label_maturity", Outcome.PASS, sentence)
    final = [one for one in counted if view.state(one) is State.FINAL]
    if not final:
        sentence = "No window has 95 % of the labels that will come, so those that are there may be the quick ones."
        remedy = "Wait for labels, or give a file of an earlier time whose labels are complete."
        return newest + 1, Checked("label_maturity", Outcome.INCONCLUSIVE, sentence, remedy)
    end = final[-1].span[1]
    young = sum(one.span[1] > end for one in counted)
    waits = f"; {words.plural(young, 'later window')} wait for labels" if young else ""
    sentence = f"At least 95 % of the labels that will come have come for events before {words.moment(end)}{waits}."
    return end, Checked("label_maturity", Outcome.PASS, sentence, facts={"until": instant(end), "waiting": young})


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


class _Drawn:
    """Rows with a label (or all), of very many a part of known chance: those whose number's hash is smallest."""

    def __init__(self, model: Model, *, labelled: bool = True) -> None:
        self._label = model.only(Role.LABEL) or ""
        self._only_labelled = labelled
        self._parts: list[tuple[Ints, pa.Table, pa.Table]] = []
        self._without: list[Ints] = []
        self._held, self._below = 0, np.uint64(2**64 - 1)
        self.left_over = 0

    def add(self, rows: Ints, table: pa.Table, inputs: pa.Table) -> None:
        labelled = np.ones(len(rows), dtype=bool)
        if self._only_labelled:
            labelled = np.asarray(table[self._label].combine_chunks().is_valid())
        self._without.append(rows[~labelled])
        self._keep((rows[labelled], table.filter(pa.array(labelled)), inputs.filter(pa.array(labelled))))
        while self._held > MOST_ROWS:
            self._below //= np.uint64(2)
            parts, self._parts, self._held = self._parts, [], 0
            for part in parts:
                self._keep(part)

    def taken(self, bad: list[int]) -> tuple[pa.Table, pa.Table, int]:
        """The rows that are not bad, as values and as they came, and how many others have no label."""
        away = np.array(bad, dtype=np.int64)
        rows = np.concatenate([part[0] for part in self._parts]) if self._parts else np.empty(0, dtype=np.int64)
        good = pa.array(~np.isin(rows, away))
        tables = [pa.concat_tables([part[i] for part in self._parts]).filter(good) for i in (1, 2) if self._parts]
        if not tables:
            empty = pa.table({self._label: pa.nulls(0)})
            tables = [empty, empty]
        without = int(sum((~np.isin(rows, away)).sum() for rows in self._without))
        return tables[0].unify_dictionaries().combine_chunks(), tables[1].unify_dictionaries().combine_chunks(), without

    def _keep(self, part: tuple[Ints, pa.Table, pa.Table]) -> None:
        chosen = mixed(part[0].astype(np.uint64)) <= self._below
        self.left_over += int((~chosen).sum())
        if chosen.any():
            mask = pa.array(chosen)
            self._parts.append((part[0][chosen], part[1].filter(mask), part[2].filter(mask)))
            self._held += int(chosen.sum())


def typed_labels(holdout: Holdout, model: Model) -> NDArray[np.generic]:
    """The labels as an array: numbers, truth values or texts, shape (n,)."""
    cells = holdout.table[model.only(Role.LABEL)].combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = pc.cast(cells, pa.string())
    array: NDArray[np.generic] = cells.to_numpy(zero_copy_only=False)
    return array
