"""The report as one self-contained page: own style and script, nothing from elsewhere, readable without script too."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from watchkeeper.report import mask, words
from watchkeeper.report.answer import answer
from watchkeeper.report.facts import facts
from watchkeeper.report.figure import Figure, figures
from watchkeeper.report.group import Group
from watchkeeper.report.strip import Level, Row, Strip, counted, drawn, strip
from watchkeeper.report.timeline import Timeline

if TYPE_CHECKING:
    from jinja2 import Environment

    from watchkeeper.report.result import Result

MOST_FIGURES = 60
"""Charts on a page; findings beyond them are told in words."""
FIGURES_EACH = 3
"""Columns of one finding that get charts."""
MOST_ROWS = 100
MOST_TOLD = 200
"""Columns of one finding that are told one by one."""
MOST_STRIPS = 300
"""Rows of the overview to each side (loud, quiet)."""
SPOKEN = 300_000
"""Characters of sentences kept for the overview's cells; past it a cell is told by its severity alone."""


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
    """The whole page. `made`: the time it bears, now where it is None. Raises nothing of its own."""
    timeline = Timeline(result)
    told, overview = answer(result, timeline), strip(timeline)
    sections = _sections(told.groups, timeline)
    anchors = {column: section.anchor for section in reversed(sections) for column in section.group.columns}
    anchors |= {finding.check: section.anchor for section in sections for finding in section.group.findings[:1] if finding.check == "quality"}
    rows = [*overview.loud, *overview.quiet]
    made = (made or datetime.now(UTC)).astimezone()
    page = environment().get_template("page.html.jinja")
    style, script = asset("charts.css") + asset("page.css"), asset("page.js")
    return page.render(
        result=result,
        told=told,
        notes=[mask.message(finding, result.model) for finding in told.told],
        sections=sections,
        overview=overview,
        overview_title=_overview_title(overview),
        strip=_shown(overview, anchors),
        cells=_cells(overview, result),
        columns=facts(result, rows),
        anchors=anchors,
        quarantined=[(bad, mask.reason(bad, result.model)) for bad in result.quarantined[:MOST_ROWS]],
        made=made,
        made_utc=made.astimezone(UTC),
        version=_version(),
        style=Markup(style),  # noqa: S704 own files
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'",
        anchor=anchor,
        mark=mark,
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
        loader=PackageLoader("watchkeeper.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters: dict[str, Any] = {
        "inert": words.inert,
        "named": lambda text: words.inert(text, 40),
        "code": code,
        "percent": lambda share: tied(words.percent(share)),
        "number": words.number,
        "plural": words.plural,
        "duration": words.duration,
        "window": words.window,
    }
    made.filters.update(filters)
    return made


def asset(name: str) -> str:
    """The text of a file of this room."""
    return (resources.files("watchkeeper.report") / name).read_text(encoding="utf-8")


def mark(kind: str) -> Markup:
    """A severity's sign: a disc with a tick, a triangle, a square; the colour comes from the style."""
    shapes = {
        "fine": '<circle cx="10" cy="10" r="9"/><path class="cut" d="M5.5 10.5l3 3 6-7"/>',
        "info": '<circle cx="10" cy="10" r="5"/>',
        "warning": '<path d="M10 1.5l9.2 16.5H.8z"/><path class="cut" d="M10 7v5.5M10 15v.6"/>',
        "alarm": '<path d="M2 2h16v16H2z"/><path class="cut" d="M6.5 6.5l7 7m0-7l-7 7"/>',
    }
    return Markup('<svg class="mark {0}" viewBox="0 0 20 20" role="img" aria-label="{0}">{1}</svg>').format(kind, Markup(shapes[kind]))  # noqa: S704


def tied(text: str) -> str:
    """The text with its percent signs tied to their numbers, so that no line breaks between them."""
    return text.replace(" %", "\u00a0%")


def code(sentence: str) -> Markup:
    """A sentence with what stands in backticks set as code; everything is escaped."""
    parts = str(escape(tied(sentence))).split("`")
    if len(parts) % 2 == 0:
        return Markup("`").join(Markup(part) for part in parts)  # noqa: S704 escaped above
    return Markup("".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)))  # noqa: S704


def _sections(groups: Sequence[Group], timeline: Timeline) -> list[Section]:
    sections, drawn_so_far, model = [], 0, timeline.result.model
    for i, group in enumerate(groups):
        room = MOST_FIGURES - drawn_so_far
        shown = figures(group, timeline, FIGURES_EACH) if room > 0 and group.worst.kind == "change" else []
        drawn_so_far += len(shown)
        rest = group.leads[FIGURES_EACH if shown else 1 :]
        others = [
            (words.join([words.inert(column, 40) for column in finding.columns]), mask.message(finding, model, 300))
            for finding in rest[:MOST_TOLD]
        ]
        sections.append(Section(f"f{i + 1}", group, shown, others, max(0, len(rest) - MOST_TOLD)))
    return sections


def _overview_title(overview: Strip) -> str:
    by = "metric by metric" if overview.by_metric else f"over {words.plural(len(overview.heads), 'window')}"
    loud = sum(row.column is not None for row in overview.loud)
    total = loud + sum(row.column is not None for row in overview.quiet)
    if not loud:
        return f"{words.plural(total, 'column')} {by}"
    return f"{loud:,} of {words.plural(total, 'column')} with findings, {by}"


def _shown(overview: Strip, anchors: dict[str, str]) -> dict[str, Markup]:
    return {
        "loud": Markup().join(_row(row, i, anchors) for i, row in enumerate(overview.loud[:MOST_STRIPS])),
        "quiet": Markup().join(
            _row(row, len(overview.loud[:MOST_STRIPS]) + i, anchors) for i, row in enumerate(overview.quiet[:MOST_STRIPS])
        ),
    }


def _row(row: Row, number: int, anchors: dict[str, str]) -> Markup:
    key = "quality" if row.column is None else row.column
    target = anchors.get(key, "findings" if row.column is None else anchor(row.column))
    return Markup('<a class="r" href="#{}" data-r="{}" title="{}"><b>{}</b>{}<i>{}</i></a>').format(
        target, number, f"{row.name}: {counted(row)}", row.name, drawn(row), counted(row)
    )


def anchor(name: str) -> str:
    """The fragment of a column's line in the table; names may hold anything, so it is a digest."""
    return f"c{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _cells(overview: Strip, result: Result) -> Markup:
    """What each cell says, as JSON for the script: sentences once each, and for every row its cells' sentences."""
    sentences: dict[str, int] = {}
    room = SPOKEN
    rows = []
    for row in (*overview.loud[:MOST_STRIPS], *overview.quiet[:MOST_STRIPS]):
        said: dict[int, int] = {}
        for cell, found in sorted(row.cells.items()):
            sentence = _said(found, result) if room > 0 else f"{str(found[0].severity).capitalize()}: see the finding."
            if sentence not in sentences:
                room -= len(sentence)
            said[cell] = sentences.setdefault(sentence, len(sentences))
        rows.append([said, [cell for cell, level in enumerate(row.levels) if level is Level.UNKNOWN], [cell for cell, level in enumerate(row.levels) if level is Level.STIRRING]])
    data = {"heads": overview.heads, "sentences": list(sentences), "rows": rows}
    # `<` may not stand in a script element: `</script>` would end it.
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))  # noqa: S704


def _said(found: list[Any], result: Result) -> str:
    more = f" And {words.plural(len(found) - 1, 'more finding')}." if len(found) > 1 else ""
    return f"{str(found[0].severity).capitalize()}. {mask.message(found[0], result.model, 240)}{more}"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _version() -> str:
    try:
        return metadata.version("watchkeeper")
    except metadata.PackageNotFoundError:
        return "(not installed)"
