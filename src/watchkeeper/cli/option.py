"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[
    list[str], typer.Argument(metavar="FILES...", help="Paths, quoted globs or URLs.", show_default=False)
]
Baseline = Annotated[
    list[str],
    typer.Option(
        "--baseline",
        metavar="FILES",
        help="Reference data (paths, quoted globs, URLs) or a profile file; repeatable.",
        show_default=False,
    ),
]
ModelFile = Annotated[
    Path | None,
    typer.Option("--model", metavar="M.yaml", help="What the columns mean; without it, inferred from the baseline."),
]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="hour|day|week|month|N-rows", help="Cut into windows; without it each file is one."),
]
Segment = Annotated[
    str | None, typer.Option("--segment", metavar="COLUMN", help="Also look at each value of this column by itself.")
]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name.", show_default=False)]
VersionName = Annotated[str, typer.Argument(metavar="VERSION", help="What it is called.", show_default=False)]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Where events, state and results are kept; without it $WATCHKEEPER_HOME, else ./.watchkeeper.",
    ),
]

OnAlarm = Annotated[
    list[str] | None,
    typer.Option(
        "--on-alarm", metavar="COMMAND|URL", help="Who is told, once, when an alarm begins to fire; repeatable."
    ),
]


@contextmanager
def following(what: str, many: int | None = None, unit: str = "rows") -> Iterator[Callable[[int], None]]:
    """Progress on standard error while the block runs; yields what to call with the number of rows (…) done."""
    from watchkeeper.report import progress

    with progress(what, many, unit) as bar:
        yield bar.advance


def sizes(sources: Sequence[str]) -> int | None:
    """Rows in all (a source counts as often as it is named), where Parquet files on this machine say it; else None."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from watchkeeper.delivery import expand

    if any("://" in named for named in sources):
        return None
    total = 0
    for source in (place for named in sources for place in expand(named)):
        try:
            total += pq.read_metadata(str(source)).num_rows
        except (pa.ArrowException, OSError):
            return None
    return total


def seconds(option: str, given: str) -> int:
    """A length of time such as 30s, 1m or 2h, in seconds."""
    from watchkeeper.model import WatchkeeperError

    found = re.fullmatch(r"([1-9]\d{0,5})([smh])", given)
    if found is None:
        raise WatchkeeperError(f"{option} {given}: write a number and s, m or h, such as 30s or 1m.")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def reports(json: str | None, html: Path | None, asked: str, more: Sequence[str] = ()) -> list[Path | None]:
    """Where JSON and a page are to be written; never over a file that is read: the one `asked` for, or `more`.

    `asked` may also be `last:7d`, which is no file.
    """
    from watchkeeper.delivery import writable

    read = [*([] if asked.startswith("last:") else [asked]), *more]
    return writable([(None if json in (None, "-") else json, ()), (html, ())], read)
