"""`watchkeeper erase`: forget all that is kept of an id."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.option import Home, ModelName


def erase(
    model: ModelName,
    id: Annotated[list[str], typer.Option(metavar="ID", help="The event's id; repeatable.", show_default=False)],
    home: Home = None,
) -> None:
    """Erase all that is kept of an id: events, labels, inbox, spool, rows set aside, samples. It can't be undone.

    The windows in which its events were are profiled again by the next run. The audit trail keeps who erased how much.
    An id of which nothing is kept is no error: that is how it is once it was erased.

    \b
    Example:
      watchkeeper erase hotel-cancel --id 4711
    """
    from watchkeeper.cli.home import home_of
    from watchkeeper.model.clock import clock
    from watchkeeper.model.person import person
    from watchkeeper.report import words

    with home_of(home) as at:
        from watchkeeper.watch.erase import erase as erased

        done = erased(at, at.model(model), id, now=clock(), who=person())
    elsewhere = (
        (done.frames, "place", "in inbox and spool"),
        (done.set_aside, "row", "set aside"),
        (done.sampled, "sampled row", "of baselines"),
    )
    parts = [words.plural(done.events, "event")]
    parts += [f"{words.plural(many, noun)} {where}" for many, noun, where in elsewhere if many]
    if not (done.events or any(many for many, _, _ in elsewhere)):
        typer.echo(f"Nothing is kept of {words.join([words.inert(one, 60) for one in id], 5)}, so nothing was erased.")
        return
    typer.echo(f"Erased: {words.join(parts)}.")
    if done.windows:
        typer.echo(f"The next run profiles {words.plural(done.windows, 'window')} again.")
