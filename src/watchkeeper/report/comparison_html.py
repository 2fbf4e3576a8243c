"""A comparison as one self-contained page: own style, no script, nothing from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from watchkeeper.report import comparison_charts as charts
from watchkeeper.report import words
from watchkeeper.report.comparison import Comparison
from watchkeeper.report.comparison_words import TITLES, headline, sentences, shown
from watchkeeper.report.html import environment
from watchkeeper.report.markup import asset
from watchkeeper.report.page import policy, release


def to_html(comparison: Comparison, made: datetime | None = None) -> str:
    """The whole page. `made`: the time it bears; now where it is None."""
    made = (made or datetime.now(UTC)).astimezone()
    style = asset("charts.css") + asset("page.css") + asset("comparison.css")
    names = (comparison.old, comparison.new)
    thresholds = comparison.decisions.thresholds if comparison.decisions else (None, None)
    measures = [name for name in TITLES if any(one.measure == name for one in comparison.segments)]
    picture = comparison.picture
    return (
        environment()
        .get_template("comparison.html.jinja")
        .render(
            comparison=comparison,
            headline=headline(comparison),
            sentences=sentences(comparison),
            level=_level(comparison),
            density=picture and charts.density(picture, thresholds, names),
            histograms=picture and charts.histograms(picture, names),
            matrix=charts.matrix(comparison.decisions) if comparison.decisions else None,
            bars=[(TITLES[name], charts.bars(comparison, name)) for name in measures],
            columns=_columns(comparison),
            shown=shown,
            cell=_cell,
            made=made,
            made_utc=made.astimezone(UTC),
            version=release(),
            style=style,
            policy=policy(style),
        )
    )


def write_html(comparison: Comparison, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    from watchkeeper.delivery import replacing

    with replacing(Path(path)) as temporary:
        temporary.write_text(to_html(comparison), encoding="utf-8")


def _level(comparison: Comparison) -> tuple[str, str]:
    """The sign at the top and its words: whether the labels speak for or against the new version."""
    churn, errors = comparison.churn, comparison.errors
    if churn is not None and churn.p < 0.05:
        return ("fine", "more right than before") if churn.net.value > 0 else ("alarm", "more wrong than before")
    if errors is not None and errors.change.high < 0:
        return "fine", "nearer to the labels"
    if errors is not None and errors.change.low > 0:
        return "alarm", "farther from the labels"
    if churn or errors:
        return "info", "no sure gain or loss"
    return "info", "the order alone is compared" if comparison.lists else "no labels to judge by"


def _columns(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(name for row in comparison.moved for name in row.features))


def _cell(value: object) -> str:
    """A cell of a row, inert."""
    if value is None:
        return words.MISSING
    if isinstance(value, float) and not isinstance(value, bool):
        return words.number(value)
    return words.inert(str(value).lower() if isinstance(value, bool) else str(value), 40)
