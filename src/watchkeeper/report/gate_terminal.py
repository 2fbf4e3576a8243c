"""A verdict of the gate on a terminal: the verdict, what speaks against the version, then the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchkeeper.report import words
from watchkeeper.report.gate_words import (
    LEVELS,
    QUALITY,
    against,
    between,
    headline,
    held_out,
    interval,
    judged,
    measured,
    signed,
)
from watchkeeper.report.terminal import COLOURS, MARKS, line, speakable

if TYPE_CHECKING:
    from rich.console import Console

MOST = 6
"""Checks that did not pass and are told one by one."""
_LABEL = 10
_LONGEST = 400


def print_gate(verdict: Mapping[str, Any], console: Console, *, written: Sequence[str] = ()) -> None:
    """Print a verdict, given as its JSON: coloured on a terminal, plain text elsewhere."""
    level = LEVELS[verdict["outcome"]]
    head, style = f"{MARKS[level]} {verdict['outcome']}:", f"bold {COLOURS[level]}"
    line(console, head, words.inert(headline(verdict), _LONGEST), "", style, indent=2)
    line(console, "", words.inert(f"{against(verdict)}, on {held_out(verdict)}", _LONGEST), "dim", indent=2)
    bad = [one for kind in ("FAIL", "INCONCLUSIVE") for one in verdict["checks"] if one["outcome"] == kind]
    if bad:
        line(console, "", "")
    told = set[str]()
    for one in bad[:MOST]:
        mark = LEVELS[one["outcome"]]
        text = f"{one['name']}: {words.inert(one['sentence'], _LONGEST)}"
        line(console, f"  {MARKS[mark]}", text, "", COLOURS[mark], indent=4)
        if one["remedy"] and one["remedy"] not in told:
            line(console, "", f"→ {words.inert(one['remedy'], _LONGEST)}", "dim", indent=4)
            told.add(one["remedy"])
    if len(bad) > MOST:
        line(console, "", f"and {len(bad) - MOST} more (--json FILE has them all)", "dim", indent=4)
    if judged(verdict):
        line(console, "", "")
        _table(verdict, console)
    line(console, "", "")
    for label, text in _facts(verdict, written):
        line(console, f"  {label}", text, "dim" if label == "fine" else "", indent=_LABEL + 2, broken=label != "wrote")


def _facts(verdict: Mapping[str, Any], written: Sequence[str]) -> list[tuple[str, str]]:
    passed = [one for one in verdict["checks"] if one["outcome"] == "PASS"]
    others = sorted({one["name"] for one in passed if one["name"] not in QUALITY})
    facts = [("fine", words.join(others) + ".")] if others else []
    facts += [("also", measured(verdict).removeprefix("Also measured: "))] if measured(verdict) else []
    facts += [("note" if not i else "", words.inert(note, _LONGEST)) for i, note in enumerate(verdict["notes"])]
    if verdict["outcome"] == "PASS":
        facts.append(("next", f"watchkeeper release {verdict['model']} {words.inert(verdict['version'])}"))
    took = words.duration(verdict["seconds"])
    if written:
        facts.append(("wrote", f"{words.join([words.inert(path, 1_000) for path in written])} in {took}"))
    else:
        facts.append(("took", f"{took}; the verdict is kept (--html report.html shows the evidence)"))
    return facts


def _table(verdict: Mapping[str, Any], console: Console) -> None:
    """Each metric of the candidate with its interval, beside the live model's and the naive baseline's."""
    from rich.table import Table
    from rich.text import Text

    rows = [_cells(name, one, verdict) for name, one in judged(verdict).items()]
    heads = [head for head in rows[0] if any(row[head] != words.MISSING for row in rows)]
    for least in ("interval", "naive", "margin"):  # what matters least is left out where there is no room
        wide = sum(2 + max(len(head), *(len(row[head]) for row in rows)) for head in heads)
        heads = [head for head in heads if wide <= console.width or head != least]
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(speakable(head, console), justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(speakable(row[head], console)) for head in heads))
    console.print(table)


def _cells(name: str, one: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, str]:
    """A row of the table, by its heads."""
    return {
        "metric": words.inert(name, 30),
        words.inert(verdict["version"], 20): words.number(one.get("value")),
        "interval": interval(one),
        words.inert(verdict["live"] or "live", 20): words.number(one.get("live")),
        "difference": signed(one.get("difference")),
        "between": between(one.get("difference_low"), one.get("difference_high"), with_sign=True),
        "margin": words.number(one.get("margin")),
        "naive": words.number(one.get("naive")),
    }
