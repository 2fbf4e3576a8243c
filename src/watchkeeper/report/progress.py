"""Progress of long work, with its rate and the time left: on standard error, and only where a person looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.report import words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Task


@dataclass(frozen=True)
class Progress:
    """What the work calls as it goes on; safe to call from several threads."""

    advance: Callable[[int], None]
    """Say that this many more bytes, rows or windows are done."""


@contextmanager
def progress(
    what: str, total: int | None = None, unit: str = "bytes", console: Console | None = None
) -> Iterator[Progress]:
    """Show progress while the block runs; nothing where `console` (standard error) is no terminal.

    `total`: bytes, rows or windows in all, None where that is not known: then the amount and rate are shown alone.
    """
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield Progress(advance=lambda _: None)
        return

    class Amount(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(amount(task.completed, task.total, task.finished_speed or task.speed, unit), style="dim")

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), Amount(), TimeRemainingColumn(compact=True))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words.inert(what), total=total)
        yield Progress(advance=lambda count: bar.advance(task, count))


def amount(done: float, total: float | None, rate: float | None, unit: str) -> str:
    """`1.2 of 3.4 GB · 85 MB/s`: how much is done, and how fast."""

    def text(count: float) -> str:
        return words.size(count) if unit == "bytes" else f"{count:,.0f} {unit}"

    of = text(done) if total is None else f"{text(done)} of {text(total)}"
    return of if rate is None else f"{of} · {text(rate)}/s"
