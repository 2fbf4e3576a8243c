"""What a comparison says in sentences: what changes, whether that is good, and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from watchkeeper.model import Scalar
from watchkeeper.report import words
from watchkeeper.report.comparison import Churn, Comparison, Estimate, Order, Part, Scores, Segment

EVEN = 0.05
"""A net gain or loss is told as one where chance alone would bring it more rarely."""
TITLES = {
    "flipped": "Decisions flipped",
    "accuracy": "Change of accuracy",
    "score": "Mean change of the score",
    "error": "Change of the mean absolute error",
    "overlap": "Rank-biased overlap",
}
"""What each measure of segments is called."""


def headline(comparison: Comparison) -> str:
    """The one sentence that says how much changes."""
    old, new = (f"`{words.inert(name)}`" for name in (comparison.old, comparison.new))
    if not comparison.rows:
        return f"There is no row on which {old} and {new} could be compared"
    found = comparison.decisions
    if found is not None and found.flipped.count:
        return f"{new} decides otherwise than {old} for {_part(found.flipped)}"
    if found is not None:
        return f"{new} decides as {old} does for all {words.plural(found.flipped.of, 'row')}"
    if comparison.lists is not None:
        return f"{new} orders {_part(comparison.lists.changed, 'list')} otherwise than {old}"
    if comparison.scores is not None:
        value = f"by {words.number(comparison.scores.mean_absolute)} on average"
        return f"The values of {new} differ from those of {old} {value}"
    return f"{old} and {new} give no answers that can be compared"


def sentences(comparison: Comparison) -> list[tuple[str, str]]:
    """What else is to be said, each with the question it answers."""
    return [(question, said) for question, said in _sentences(comparison) if said]


def _sentences(comparison: Comparison) -> Iterator[tuple[str, str]]:
    yield "Which way", _turns(comparison)
    yield "Good or bad", _good_or_bad(comparison)
    if comparison.scores is not None and comparison.lists is None:
        yield "Scores" if comparison.decisions else "Values", _shift(comparison.scores)
    yield "Order", _order(comparison.order) if comparison.order else _lists(comparison)
    yield "For whom", for_whom(comparison)


def shown(value: Scalar | None) -> str:
    """A class or a value as people read it; inert."""
    if value is None:
        return words.MISSING
    if isinstance(value, bool):
        return str(value).lower()
    return words.inert(value, 40) if isinstance(value, str) else words.number(value)


def figure(measure: str, value: float, *, signed: bool = True) -> str:
    """A figure of a segment in its unit."""
    if measure == "flipped":
        return words.percent(value)
    if measure == "accuracy":
        return points(value)
    return change(value) if measure in ("score", "error") and signed else words.number(value)


def points(value: float) -> str:
    """A difference of shares: `+1.2 points`."""
    return f"{change(value * 100)} points"


def change(value: float) -> str:
    """A number with its sign."""
    text = words.number(value)
    return f"+{text}" if value > 0 else text


def segment(comparison: Comparison, one: Segment) -> str:
    """A segment's name, inert, without personal values."""
    return words.inert(comparison.names[one.name], 60)


def for_whom(comparison: Comparison, most: int = 3) -> str:
    """The segments that surely differ from the rest, or that none does."""
    looked = len({one.name for one in comparison.segments})
    told = _weightiest(comparison)
    if not looked:
        few = f"; {words.plural(comparison.small, 'segment')} have too few rows" if comparison.small else ""
        return f"No segment was looked at{few}." if comparison.small else ""
    if not told:
        return f"No segment differs surely from the rest; {looked} were looked at."
    parts = [_segment(comparison, one) for one in told[:most]]
    rest = len(told) - most
    more = f" {words.plural(rest, 'more segment differs', 'more segments differ')} surely." if rest > 0 else ""
    return f"{'; '.join(parts)}.{more}"


def _weightiest(comparison: Comparison) -> list[Segment]:
    """Of each segment that surely differs the measure by which it does so most; those that differ most come first."""
    widest: dict[str, float] = {}
    for one in comparison.told:
        widest[one.measure] = max(widest.get(one.measure, 0.0), _gap(one))
    ordered = sorted(comparison.told, key=lambda one: (-_gap(one) / (widest[one.measure] or 1.0), one.p))
    first: dict[str, Segment] = {}
    for one in ordered:
        first.setdefault(one.name, one)
    return list(first.values())


def _gap(one: Segment) -> float:
    return abs(one.here.value - one.rest.value)


def _segment(comparison: Comparison, one: Segment) -> str:
    name, rows = f"`{segment(comparison, one)}`", f"{one.rows:,} rows"
    here, rest = figure(one.measure, one.here.value), figure(one.measure, one.rest.value)
    lists, what = f"{one.rows:,} lists", "scores" if comparison.decisions else "values"
    return {
        "flipped": f"{name}: {here} of {rows} are decided otherwise, {rest} elsewhere",
        "accuracy": f"{name}: accuracy changes by {here} in {rows}, by {rest} elsewhere",
        "score": f"{name}: {what} change by {here} on average in {rows}, by {rest} elsewhere",
        "error": f"{name}: the mean error changes by {here} in {rows}, by {rest} elsewhere",
        "overlap": f"{name}: lists overlap by {here} in {lists}, by {rest} elsewhere",
    }[one.measure]


def _part(part: Part, noun: str = "row") -> str:
    ends = f"{words.percent(part.low)[:-2]}–{words.percent(part.high)}"
    return f"{part.count:,} of {words.plural(part.of, noun)} ({words.percent(part.share)}; {ends})"


def _within(estimate: Estimate, scale: float = 1.0) -> str:
    return f"{change(estimate.low * scale)} to {change(estimate.high * scale)}"


def _turns(comparison: Comparison) -> str:
    found = comparison.decisions
    if found is None or not found.flipped.count:
        return ""
    told = [f"{one.rows.count:,} from {shown(one.before)} to {shown(one.after)}" for one in found.turns[:4]]
    rest = found.flipped.count - sum(one.rows.count for one in found.turns[:4])
    return f"{words.join([*told, f'{rest:,} otherwise'] if rest else told)}."


def _good_or_bad(comparison: Comparison) -> str:
    if comparison.churn is not None:
        return _churn(comparison.churn)
    if comparison.errors is not None:
        found = comparison.errors
        before, after = words.number(found.before), words.number(found.after)
        verb = _direction(found.change, "rises", "falls", "stays about the same")
        return f"The mean absolute error {verb}: {before} before, {after} now ({_within(found.change)})."
    if comparison.decisions is not None and comparison.decisions.flipped.count:
        return "Unknown: no row has a label."
    return ""


def _churn(churn: Churn) -> str:
    before, after = (words.percent(value) for value in churn.accuracy)
    way = "as many as chance brings" if churn.p > EVEN else "better" if churn.net.value > 0 else "worse"
    verdict = {"better": "More become right than wrong", "worse": "More become wrong than right"}
    lead = verdict.get(way, "Neither surely better nor worse")
    kept = f"; {words.percent(churn.lost)} of what was right is wrong now" if churn.bad.count else ""
    return (
        f"{lead}: {churn.good.count:,} of {churn.good.of:,} labelled rows become right and {churn.bad.count:,} wrong, "
        f"so accuracy is {after}, was {before} ({_within(churn.net, 100)} points; McNemar p {_p(churn.p)}){kept}."
    )


def _shift(scores: Scores) -> str:
    verb = _direction(scores.change, "rise", "fall", "stay on average")
    half, far = scores.quantiles["0.25"], scores.quantiles["0.75"]
    by = f" by {words.number(abs(scores.change.value))} on average" if verb != "stay on average" else ""
    moved = scores.moved[-1] if scores.moved else None
    more = f"; {words.percent(moved.rows.share)} of rows move by more than {words.number(moved.by)}" if moved else ""
    what = {"probability": "Probabilities", "confidence": "Confidences", "value": "Values"}[scores.what]
    middle = f"half of the rows change by {change(half)} to {change(far)}"
    return f"{what} {verb}{by} ({_within(scores.change)}); {middle}{more}."


def _order(order: Order) -> str:
    heads = words.join([f"{one.stay:,} of the highest {one.k:,}" for one in order.heads])
    return f"Spearman {_correlation(order.spearman)}, Kendall {_correlation(order.kendall)}; {heads} stay among them."


def _lists(comparison: Comparison) -> str:
    found = comparison.lists
    if found is None:
        return ""
    heads = words.join([f"{words.percent(one.value)} of the first {k}" for k, one in found.overlap.items()])
    stay = f"{heads} stay; " if heads else ""
    rbo = found.rank_biased_overlap
    ends = f"{words.number(rbo.low)}–{words.number(rbo.high)}"
    return f"{stay}rank-biased overlap {words.number(rbo.value)} ({ends}), over {found.queries:,} lists."


def _direction(estimate: Estimate, up: str, down: str, none: str) -> str:
    return up if estimate.low > 0 else down if estimate.high < 0 else none


def _correlation(value: float) -> str:
    return words.number(value) if value < 0.995 or value == 1 else f"{min(value, 0.9999):.4f}"


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else words.number(p)
