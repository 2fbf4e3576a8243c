"""Options that several commands share."""

from __future__ import annotations

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


@contextmanager
def following(what: str, rows: int | None = None) -> Iterator[Callable[[int], None]]:
    """Progress on standard error while the block runs; yields what to call with the number of rows done."""
    from watchkeeper.report import progress

    with progress(what, rows, "rows") as bar:
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
