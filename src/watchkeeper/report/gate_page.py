"""A verdict of the gate as one self-contained page: own style, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from watchkeeper.report import words
from watchkeeper.report.gate_chart import Row, curve, metric, ranges
from watchkeeper.report.gate_words import (
    LEVELS,
    Verdict,
    against,
    between,
    headline,
    held_out,
    interval,
    judged,
    measured,
    signed,
)
from watchkeeper.report.html import environment
from watchkeeper.report.markup import asset
from watchkeeper.report.page import policy, release

MOST_ROWS = 60
"""Segments and groups that a table shows; the worst come first."""


@dataclass(frozen=True)
class Drawn:
    """A picture with its title, which says what it shows."""

    title: str
    note: str
    picture: Markup


def gate_html(verdict: Verdict) -> str:
    """The whole page of a verdict, given as its JSON."""
    bad = [one for kind in ("FAIL", "INCONCLUSIVE") for one in verdict["checks"] if one["outcome"] == kind]
    style = asset("charts.css") + asset("page.css") + asset("gate.css")
    at = datetime.fromisoformat(verdict["at"])
    return (
        environment()
        .get_template("gate.html.jinja")
        .render(
            verdict=verdict,
            level=LEVELS[verdict["outcome"]],
            levels=LEVELS,
            headline=headline(verdict),
            against=against(verdict),
            held_out=held_out(verdict),
            bad=bad,
            checks=sorted(verdict["checks"], key=_worst_first),
            metrics=list(_metrics(verdict)),
            measured=measured(verdict),
            threshold=_threshold(verdict),
            tables=list(_tables(verdict)),
            service=list(_service(verdict)),
            at=f"{at.day} {at:%B %Y, %H:%M} UTC",
            made_by=release(),
            style=style,
            policy=policy(style),
        )
    )


def write_gate(verdict: Verdict, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    from watchkeeper.delivery import replacing

    with replacing(Path(path)) as temporary:
        temporary.write_text(gate_html(verdict), encoding="utf-8")


def _metrics(verdict: Verdict) -> Iterator[Drawn]:
    for name, one in judged(verdict).items():
        if one.get("value") is None:
            continue
        title = f"`{words.inert(name, 40)}` is {words.number(one['value'])}"
        if one.get("live") is not None:
            title += f", {words.inert(verdict['live'] or 'live', 20)} has {words.number(one['live'])}"
        note = f"{interval(one)}; {words.plural(one['rows'], 'row')}"
        if one.get("difference") is not None:
            ends = between(one.get("difference_low"), one.get("difference_high"), with_sign=True)
            note = f"difference {signed(one['difference'])} ({ends})"
            note += f", margin {words.number(one['margin'])}" if one.get("margin") is not None else ""
        yield Drawn(title, note, metric(name, one, verdict["version"], verdict["live"]))


def _threshold(verdict: Verdict) -> Mapping[str, Any] | None:
    """The threshold's sentence and curves, where one was learned."""
    found = verdict["thresholds"]
    sentence = next((one["sentence"] for one in verdict["checks"] if one["name"] == "threshold"), None)
    points = found.get("curve") or []
    if sentence is None or not points:
        return None
    figures = []
    for name in (name for name in points[0] if name != "threshold"):
        picture = curve(points, "threshold", name, found.get("score"), f"{name} over the threshold")
        if picture:
            figures.append(Drawn(f"`{name}` over the threshold", "the dashed line is the threshold", picture))
    return {"sentence": sentence, "figures": figures}


def _tables(verdict: Verdict) -> Iterator[Mapping[str, Any]]:
    """Segments and groups one by one, of the checks that judge them; the worst first."""
    live = words.inert(verdict["live"] or "live", 20)
    for name, title, head in (("segments", "By segment", "margin"), ("group_gap", "Protected groups", "allowed")):
        claims = [claim for one in verdict["checks"] if one["name"] == name for claim in _claims(one)]
        rows = [_claimed(claim) for claim in sorted(claims, key=_worst_first)]
        heads = ("what", "metric", words.inert(verdict["version"], 20), live, "difference", "between", head, "rows")
        known = [i for i in range(len(heads)) if any(row["cells"][i] != words.MISSING for row in rows)]
        if rows:
            shown = [{**row, "cells": [row["cells"][i] for i in known]} for row in rows[:MOST_ROWS]]
            yield {"title": title, "heads": [heads[i] for i in known], "rows": shown}
    rates = [_rated(*one) for one in _rates(verdict)]
    if rates:
        named = ("what", "metric", words.inert(verdict["version"], 20), "between", "rows")
        yield {"title": "Rates of protected groups", "heads": named, "rows": rates[:MOST_ROWS]}


def _rates(verdict: Verdict) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each rate of each protected group, whether or not a gap between them is bounded."""
    for name, figures in verdict["metrics"].items():
        for column, groups in figures.get("groups", {}).items():
            yield from ((name, column, group) for group in groups)


def _rated(metric: str, column: str, group: Mapping[str, Any]) -> Mapping[str, Any]:
    ends = between(group.get("low"), group.get("high"))
    what = f"{column}: {group['group']}"
    return {"outcome": None, "cells": (what, metric, words.number(group.get("value")), ends, f"{group['rows']:,}")}


def _worst_first(judged: Mapping[str, Any]) -> int:
    return ("FAIL", "INCONCLUSIVE", "PASS").index(judged["outcome"])


def _claims(check: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a check claims of each segment or pair of groups, with the column."""
    facts = check["facts"]
    alone = [{**facts, "outcome": check["outcome"]}] if "segment" in facts or "groups" in facts else []
    for claim in facts.get("claims") or alone:
        yield {**claim, "column": facts.get("column")}


def _claimed(claim: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = claim.get("rows")
    ends = (claim.get("difference_low", claim.get("low")), claim.get("difference_high", claim.get("high")))
    allowed = claim.get("margin", claim.get("bound"))
    cells = (
        f"{claim['column']}: {claim['segment'] if 'segment' in claim else ' and '.join(claim['groups'])}",
        str(claim["metric"]),
        words.number(claim.get("value")),
        words.number(claim.get("live")),
        signed(claim.get("difference")),
        between(*ends, with_sign=True),
        words.number(allowed),
        " and ".join(f"{count:,}" for count in (rows if isinstance(rows, list) else [rows or 0])),
    )
    return {"outcome": claim["outcome"], "cells": cells}


def _service(verdict: Verdict) -> Iterator[Drawn]:
    """How long a prediction takes, and how much memory the process holds."""
    for name, mine, theirs, scale, unit, what in (
        ("latency", "p95", "live_p95", 1000.0, " ms", "95th percentile of a single prediction"),
        ("memory", "bytes", "live_bytes", 1e-6, " MB", "memory of the model's process"),
    ):
        facts: Mapping[str, Any] = next((one["facts"] for one in verdict["checks"] if one["name"] == name), {})
        if facts.get(mine) is None:
            continue
        rows = [Row(words.inert(verdict["version"], 10), facts[mine] * scale)]
        limit = facts["bound_ms"] if name == "latency" and facts.get("bound_ms") is not None else None
        if facts.get(theirs):
            rows.append(Row(words.inert(verdict["live"] or "live", 10), facts[theirs] * scale, kind="l"))
            allowed = facts[theirs] * scale * facts["bound_ratio"]
            limit = allowed if limit is None else min(limit, allowed)
        calls = f"{facts['calls']:,} calls, in turn" if "calls" in facts else "after all its work"
        title = f"{words.number(facts[mine] * scale)}{unit}: {what}"
        yield Drawn(title, calls, ranges(rows, what, limit=limit, upwards=False, unit=unit, from_zero=True))
