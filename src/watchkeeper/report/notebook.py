"""A result as a notebook shows it: the answer, the findings and the overview, in the notebook's own colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from watchkeeper.report import words
from watchkeeper.report.answer import answer
from watchkeeper.report.group import Group
from watchkeeper.report.markup import asset, code, cut, sign
from watchkeeper.report.strip import Row, counted, drawn, strip
from watchkeeper.report.timeline import Timeline

if TYPE_CHECKING:
    from watchkeeper.report.result import Result

MOST_GROUPS = 8
MOST_STRIPS = 20


def fragment(result: Result) -> str:
    """HTML that stands inside a page of others: its style touches nothing outside, and it holds no script."""
    timeline = Timeline(result)
    told, overview = answer(result, timeline), strip(timeline)
    style = asset("charts.css") + asset("notebook.css")
    parts = [
        Markup("<style>{}</style>").format(style),
        Markup('<p class="verdict {}">{}<span>{}</span></p>').format(told.level, sign(told.level), told.verdict),
        Markup('<p class="headline">{}</p>').format(code(told.headline)),
        Markup("<p>{}</p>").format(code(" ".join(part for part in (told.since, told.how_bad) if part))),
        Markup("<ol>{}</ol>").format(Markup().join(map(_finding, told.groups[:MOST_GROUPS])))
        if told.groups
        else Markup(),
        _more(len(told.groups) - MOST_GROUPS, "finding"),
    ]
    if overview.loud:
        if overview.by_metric:
            heads = Markup().join(Markup("<span>{}</span>").format(head) for head in overview.heads)
            parts.append(Markup('<div class="r heads"><b></b><span>{}</span><i></i></div>').format(heads))
        cell = "metric" if overview.by_metric else "window"
        parts += [
            *(_row(row, cell) for row in overview.loud[:MOST_STRIPS]),
            _more(len(overview.loud) - MOST_STRIPS, "column"),
        ]
    parts.append(Markup('<p class="dim">{} {}</p>').format(code(told.fine), code(told.baseline)))
    return str(Markup('<div class="wk">{}</div>').format(Markup().join(parts)))


def _finding(group: Group) -> Markup:
    more = " ".join(part for part in (group.when, f"Also: {group.also}." if group.also else "") if part)
    return Markup('<li>{}<span>{} <span class="dim">{} {}</span></span></li>').format(
        sign(group.severity), code(group.sentence), code(more), code(group.remedy)
    )


def _row(row: Row, cell: str) -> Markup:
    told = counted(row, cell)
    return Markup('<div class="r" title="{}"><b>{}</b>{}<i>{}</i></div>').format(
        f"{row.name}: {told}", cut(row.name), drawn(row), told
    )


def _more(count: int, noun: str) -> Markup:
    if count <= 0:
        return Markup()
    return Markup('<p class="dim">{}: <code>result.to_html("report.html")</code> shows them all.</p>').format(
        words.plural(count, f"more {noun}")
    )
