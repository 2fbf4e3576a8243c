"""`watchkeeper backtest`: what the alarms would have cost in the past, and which faults would have been found."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.option import Baseline, ModelFile, Segment


def backtest(
    history: Annotated[
        list[str],
        typer.Argument(metavar="HISTORY...", help="Past data: paths, quoted globs or URLs.", show_default=False),
    ],
    baseline: Baseline,
    model: ModelFile = None,
    by: Annotated[
        str, typer.Option("--by", metavar="hour|day|week|month|N-rows", help="The windows to replay.")
    ] = "day",
    segment: Segment = None,
    inject: Annotated[
        list[str] | None,
        typer.Option(
            metavar="default|FAULT[=SIZE[@SHARE]]",
            help="Plant faults into copies of the history, in memory, and count how many are found; repeatable.",
        ),
    ] = None,
    inject_days: Annotated[int, typer.Option(metavar="N", min=1, help="Windows that a planted fault lasts.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed plants the same faults.")] = 0,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write the result as JSON; - for standard output.")
    ] = None,
) -> None:
    """Replay history window by window: alarms a month, warnings a week, and what spent the budget.

    All windows are judged as `watchkeeper check --by` judges them. Faults: nulls, unit, swapped, frozen, new_category,
    lost_category, mean_shift, variance, outliers, lost_segment, lost_rows, duplicates, delayed, leak.

    Exit codes: 0 done, whatever was counted; 2 wrong usage; 4 could not finish.

    \b
    Examples:
      watchkeeper backtest history.parquet --baseline train.parquet
      watchkeeper backtest 'history/*.csv' --baseline train.csv --model watchkeeper.yaml --inject default
      watchkeeper backtest history.parquet --baseline train.parquet --inject mean_shift=0.25 --inject-days 5
    """
    from watchkeeper import watch
    from watchkeeper.cli.option import following, sizes
    from watchkeeper.cli.screen import Screen
    from watchkeeper.report import print_backtest

    with following("Replaying", None if inject else sizes([*history, *baseline, *baseline])) as told:
        result = watch.backtest(
            history,
            baseline,
            model=model,
            by=by,
            segment=segment,
            inject=inject or (),
            inject_days=inject_days,
            seed=seed,
            json=None if json == "-" else json,
            told=told,
        )
    if json == "-":
        typer.echo(result.to_json())
    print_backtest(result, Screen(stderr=json == "-"))
