"""A back-test on a terminal: the budgets first, what spent them, and which planted faults were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from watchkeeper.report import words
from watchkeeper.report.backtest import Backtest, Planted, Rate
from watchkeeper.report.terminal import COLOURS, MARKS, line, speakable

if TYPE_CHECKING:
    from rich.console import Console

MOST_INCIDENTS = 10
MOST_SPENT = 12
GAP = 2
_FAULT_HEADS = ("fault", "found at once", "95 %", "alarms", "later", "delay", "columns", "left out")
_LEAST = ("columns", "alarms", "left out", "later", "95 %")
_UNITS = {"hour": "hour", "day": "day", "week": "week", "month": "month"}


def print_backtest(result: Backtest, console: Console) -> None:
    """Print a back-test: coloured on a terminal, plain text elsewhere."""
    _rate("Alarms", result.alarms, "month", result, console)
    _rate("Warnings", result.warnings, "week", result, console)
    span = words.window(words.from_to(result.first, result.last))
    compared = (
        f"{words.inert(result.history)}, {span}, compared with {words.inert(result.baseline)} "
        f"({words.plural(result.baseline_windows, 'window')})"
    )
    line(console, "", compared, "dim", indent=2)
    if result.violations:
        many = words.plural(result.violations, "violation")
        line(
            console,
            "",
            f"{many} in the history itself, outside the budget: `watchkeeper check` tells.",
            "dim",
            indent=2,
        )
    _incidents(result, console)
    _spent(result, console)
    _planted(result, console)
    line(console, "", "")
    took = f" in {words.duration(result.seconds)}" if result.seconds else ""
    if result.written:
        line(
            console,
            "  wrote",
            f"{words.join([words.inert(str(p), 1_000) for p in result.written])}{took}",
            broken=False,
            indent=9,
        )
    elif took:
        line(
            console,
            "  took",
            f"{words.duration(result.seconds)}; nothing was written (--json FILE keeps the figures)",
            indent=8,
        )


def _rate(what: str, rate: Rate, unit: str, result: Backtest, console: Console) -> None:
    """One budget: what was allowed, and what it would have been."""
    level = ("alarm" if what == "Alarms" else "warning") if rate.over else "fine"
    windows = words.plural(result.windows, _UNITS.get(result.by, "block"))
    one = "an alarm" if what == "Alarms" else "a warning"
    text = (
        f"{rate.windows:,} of {windows} with {one} = {words.number(rate.rate)} a {unit} "
        f"(95 %: {words.number(rate.low)}–{words.number(rate.high)}); {_verdict(rate)}."
    )
    line(console, f"{MARKS[level]} {what}:", text, "", f"bold {COLOURS[level]}", indent=2)


def _verdict(rate: Rate) -> str:
    if rate.over:
        return f"over the budget of {rate.budget}"
    if rate.rate > rate.allowed:
        return f"above the budget of {rate.budget}, though chance alone would explain it"
    return f"within the budget of {rate.budget}"


def _incidents(result: Backtest, console: Console) -> None:
    if not result.incidents:
        return
    many = f"{words.plural(len(result.incidents), 'incident')}, {words.plural(result.onsets, 'onset')}"
    quiet = f"7 quiet {_UNITS.get(result.by, 'block')}s end an incident"
    _head(f"{many} ({quiet})", console)
    rows = [
        (
            words.window(words.from_to(one.first, one.last)),
            words.plural(one.windows, "alarm"),
            words.join(list(one.checks), 3),
            words.join([words.name(column, 24) for column in one.columns], 3),
        )
        for one in result.incidents[:MOST_INCIDENTS]
    ]
    _table(("when", "windows", "checks", "columns"), rows, console, right=(1,))
    _more(len(result.incidents) - len(rows), console)


def _spent(result: Backtest, console: Console) -> None:
    if not result.spent:
        return
    _head("What spent the budget", console)
    rows = [
        (
            one.check,
            words.join([words.name(column, 24) for column in one.columns], 3) or words.MISSING,
            f"{one.alarms:,}",
            f"{one.onsets:,}",
            f"{one.warnings:,}",
        )
        for one in result.spent[:MOST_SPENT]
    ]
    _table(("check", "columns", "alarms", "onsets", "warnings"), rows, console, right=(2, 3, 4))
    _more(len(result.spent) - len(rows), console)


def _planted(result: Backtest, console: Console) -> None:
    if not result.planted:
        return
    lasting = f"each for {words.plural(result.lasting, _UNITS.get(result.by, 'block'))}"
    copies = words.plural(result.copies, "copy", "copies")
    _head(f"Planted faults, {lasting}, in {copies} of the history", console)
    rows = [_fault(one) for one in result.planted if one.planted]
    dropped = () if result.lasting > 1 else ("later", "delay")
    heads = [head for head in _FAULT_HEADS if head not in dropped]
    if rows:
        heads = _fitting(heads, rows, console.width)
        _table(heads, [[row[head] for head in heads] for row in rows], console, right=range(1, len(heads)))
    reasons: dict[str, list[str]] = {}
    for one in result.planted:
        if not one.planted:
            reasons.setdefault(one.why_not or "no room was left", []).append(one.fault)
    for why, names in reasons.items():
        line(console, "", f"Not planted: {words.join(names)} ({why}).", "dim", indent=2)


def _fault(one: Planted) -> dict[str, str]:
    """A row of the table, by its heads."""
    cells = (
        one.fault,
        f"{one.found} of {one.planted} = {100 * one.found / one.planted:.0f} %",
        f"{100 * (one.low or 0.0):.0f}–{100 * (one.high or 0.0):.0f} %",
        f"{one.alarms}",
        f"{one.found_later}",
        words.MISSING if one.delay is None else words.number(one.delay),
        f"{one.columns}",
        f"{one.left_out}",
    )
    return dict(zip(_FAULT_HEADS, cells, strict=True))


def _fitting(heads: list[str], rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """The heads for which there is room: what matters least is left out first."""
    need = {head: GAP + max(len(head), *(len(row[head]) for row in rows)) for head in heads}
    for least in _LEAST:
        if sum(need[head] for head in heads) > width and least in heads:
            heads = [head for head in heads if head != least]
    return heads


def _head(text: str, console: Console) -> None:
    line(console, "", "")
    line(console, "", text, "bold", indent=2)


def _more(count: int, console: Console) -> None:
    if count > 0:
        line(console, "", f"… and {count:,} more (--json FILE has them all)", "dim", indent=2)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console, right: Sequence[int]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 0, 0, GAP), header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place in right else "left", no_wrap=place in right or place == 0)
    for row in rows:
        table.add_row(*(Text(speakable(cell, console)) for cell in row))
    console.print(table)
