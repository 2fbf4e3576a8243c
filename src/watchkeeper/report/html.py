"""The report as one self-contained page: own style and script, nothing from elsewhere, readable without script too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.report import mask, words
from watchkeeper.report.answer import answer
from watchkeeper.report.facts import facts
from watchkeeper.report.figure import OF_VALUES, Figure, figures
from watchkeeper.report.group import Group
from watchkeeper.report.markup import asset, code, sign, tied
from watchkeeper.report.overview import anchor, overview
from watchkeeper.report.page import policy, release
from watchkeeper.report.strip import QUALITY, strip
from watchkeeper.report.timeline import Timeline

if TYPE_CHECKING:
    from jinja2 import Environment

    from watchkeeper.report.result import Result

MOST_FIGURES = 60
"""Charts on a page; findings beyond them are told in words."""
FIGURES_EACH = 3
"""Columns of one finding that get charts; twice as many where each has one only."""
MOST_ROWS = 100
MOST_TOLD = 200
"""Columns of one finding that are told one by one."""


@dataclass(frozen=True)
class Section:
    """A finding on the page."""

    anchor: str
    group: Group
    figures: list[Figure]
    others: list[tuple[str, str]]
    """Column and sentence of those without charts."""
    untold: int


def to_html(result: Result, made: datetime | None = None) -> str:
    """The whole page. `made`: the time it bears; now where it is None."""
    timeline = Timeline(result)
    told, found = answer(result, timeline), strip(timeline)
    sections = _sections(told.groups, timeline)
    anchors = _anchors(sections)
    made = (made or datetime.now(UTC)).astimezone()
    style, script = asset("charts.css") + asset("page.css"), asset("page.js")
    page = environment().get_template("page.html.jinja")
    return page.render(
        result=result,
        told=told,
        notes=[mask.message(finding, result.model) for finding in told.told],
        sections=sections,
        overview=overview(found, anchors, result.model),
        columns=facts(result, [*found.loud, *found.quiet]),
        total=len(timeline.columns),
        anchors=anchors,
        quarantined=[(bad, mask.reason(bad, result.model)) for bad in result.quarantined[:MOST_ROWS]],
        made=made,
        made_utc=made.astimezone(UTC),
        version=release(),
        style=style,
        script=script,
        policy=policy(style, script),
    )


def write_html(result: Result, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    from watchkeeper.delivery import replacing

    with replacing(Path(path)) as temporary:
        temporary.write_text(to_html(result), encoding="utf-8")


def environment() -> Environment:
    """Templates of this room: everything is escaped, nothing may be undefined."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("watchkeeper.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "code": code,
        "grouped": lambda number: f"{number:,}",
        "duration": words.duration,
        "inert": words.inert,
        "number": words.number,
        "percent": lambda share: tied(words.percent(share)),
        "plural": words.plural,
    }
    made.globals |= {"anchor": anchor, "sign": sign}
    return made


def _sections(groups: Sequence[Group], timeline: Timeline) -> list[Section]:
    sections, drawn, model = [], 0, timeline.result.model
    for i, group in enumerate(groups):
        each = FIGURES_EACH if group.worst.metric in OF_VALUES else 2 * FIGURES_EACH
        wanted = drawn < MOST_FIGURES and group.worst.kind == "change"
        shown = figures(group, timeline, each) if wanted else []
        drawn += len(shown)
        rest = group.leads[each if shown else 1 :]
        others = [
            (words.join([words.inert(column, 40) for column in finding.columns]), mask.message(finding, model, 300))
            for finding in rest[:MOST_TOLD]
        ]
        sections.append(Section(f"f{i + 1}", group, shown, others, max(0, len(rest) - MOST_TOLD)))
    return sections


def _anchors(sections: Sequence[Section]) -> dict[str, str]:
    """Where each column (and the model's quality) is told first."""
    anchors: dict[str, str] = {}
    for section in sections:
        quality = section.group.worst.check == "quality"
        for subject in (QUALITY,) if quality else section.group.columns:
            anchors.setdefault(subject, section.anchor)
    # Columns that are only carried along, such as the other one of a pair, come after those that lead a finding.
    for section in sections:
        for finding in section.group.findings if section.group.worst.check != "quality" else ():
            for column in finding.columns:
                anchors.setdefault(column, section.anchor)
    return anchors
