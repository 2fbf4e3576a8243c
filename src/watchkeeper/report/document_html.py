"""A document as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.report.document import LIMIT, Document, Items, Table
from watchkeeper.report.html import environment
from watchkeeper.report.markup import asset
from watchkeeper.report.page import policy, release


def to_html(document: Document) -> str:
    """The whole page; everything in it is escaped."""
    style = asset("charts.css") + asset("page.css") + asset("document.css")
    template = environment().get_template("document.html.jinja")
    return template.render(
        document=document,
        is_table=lambda block: isinstance(block, Table),
        is_items=lambda block: isinstance(block, Items),
        limit=LIMIT,
        version=release(),
        style=style,
        policy=policy(style),
    )


def write_html(document: Document, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    from watchkeeper.delivery import replacing

    with replacing(Path(path)) as temporary:
        temporary.write_text(to_html(document), encoding="utf-8")
