"""Skew: where features as they were served differ from what a transform makes of the raw values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from watchkeeper.report import words

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""


@dataclass(frozen=True)
class Example:
    """One event in which a feature differs. Values of personal columns are masked."""

    id: str
    served: str
    recomputed: str


@dataclass(frozen=True)
class Skewed:
    """One feature, compared event by event."""

    column: str
    rows: int
    """Events that were compared."""
    differing: int
    low: float
    """The 95 % interval of the share that differs."""
    high: float
    largest: float | None
    """The largest difference, of numbers; None where there is none."""
    examples: tuple[Example, ...] = ()

    @property
    def share(self) -> float:
        """The share of events in which it differs."""
        return self.differing / self.rows if self.rows else 0.0

    @property
    def message(self) -> str:
        """What there is to say of it, in a sentence."""
        name = words.name(self.column)
        if not self.differing:
            return f"{name} is as the transform makes it in all of {words.plural(self.rows, 'event')}."
        first = self.examples[0]
        many = f"{words.percent(self.share)} of {words.plural(self.rows, 'event')}"
        served, made = words.inert(first.served), words.inert(first.recomputed)
        return (
            f"{name} differs in {many} from what the transform makes of the raw values: "
            f"{words.inert(first.id)} was served {served}, and the transform gives {made}."
        )


@dataclass(frozen=True)
class Skew:
    """What `skew` found."""

    model: str
    rows: int
    """Events with raw values."""
    without_raw: int
    """Events that were logged without them, and so could not be compared."""
    tolerance: float
    """Numbers that differ by no more than this share of the larger one count as the same."""
    columns: tuple[Skewed, ...]
    """Worst first."""
    not_computed: tuple[str, ...] = ()
    """Features of the model that the transform never returned."""
    not_served: tuple[str, ...] = ()
    """What the transform returned and the model does not declare."""

    @property
    def differs(self) -> bool:
        """Whether any feature differs in any event."""
        return any(one.differing for one in self.columns)

    @property
    def messages(self) -> list[str]:
        """A sentence for each feature that differs, worst first, and one for what could not be compared."""
        return list(_messages(self))

    def to_json(self) -> str:
        """The result as JSON text."""
        made = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        for column, one in zip(made["columns"], self.columns, strict=True):
            column |= {"share": one.share, "message": one.message}
        return json.dumps(made, indent=2, allow_nan=False)

    def show(self) -> None:
        """Print the result."""
        from rich.console import Console

        print_skew(self, Console())


def print_skew(found: Skew, console: Console) -> None:
    """Print what differs: coloured on a terminal, plain text elsewhere."""
    from watchkeeper.report.terminal import COLOURS, MARKS, line

    level = "alarm" if found.differs else "fine"
    worse = sum(one.differing > 0 for one in found.columns)
    many = f"{worse} of {words.plural(len(found.columns), 'feature')}"
    text = f"{many} differ from what the transform makes of the raw values." if worse else "served as recomputed."
    line(console, f"{MARKS[level]} {found.model}:", text, "", f"bold {COLOURS[level]}", indent=2)
    for message in found.messages:
        line(console, "", message, indent=2)
    line(console, "", f"{words.plural(found.rows, 'event')} compared.", "dim", indent=2)


def as_shown(value: Any) -> str:
    """A value as a sentence has it."""
    if value is None:
        return "nothing"
    return repr(value) if isinstance(value, str | int | float) else str(value)


def _messages(found: Skew) -> Iterator[str]:
    yield from (one.message for one in found.columns if one.differing)
    if found.not_computed:
        names = words.join([words.name(name) for name in found.not_computed], most=5)
        yield f"The transform does not return {names}, so nothing is known of that."
    if found.not_served:
        names = words.join([words.name(name) for name in found.not_served], most=5)
        yield f"The transform returns {names}, which the model does not declare."
    if found.without_raw:
        yield f"Left out, because no raw values were logged with them: {words.plural(found.without_raw, 'event')}."
