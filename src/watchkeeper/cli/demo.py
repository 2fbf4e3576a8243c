"""`watchkeeper demo`: the main job on real data that the package brings along."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from watchkeeper.demo.release import Scene
    from watchkeeper.demo.replay import Day


def demo(
    html: Annotated[Path, typer.Option(help="Where to write the report.")] = Path("report.html"),
    replay: Annotated[
        bool, typer.Option("--replay", help="Live the weeks day by day: SDK, server and runs, in about a minute.")
    ] = False,
    release: Annotated[
        bool,
        typer.Option("--release", help="Bring out four versions of the model under load: gate, release, rollback."),
    ] = False,
) -> None:
    """Check six weeks of real data against the days before them, and say what went wrong and when.

    \b
    Examples:
      watchkeeper demo
      watchkeeper demo --replay        needs pip install 'watchkeeper[server]'
      watchkeeper demo --release       needs pip install 'watchkeeper[gateway]'
    """
    from watchkeeper.demo import files

    story = files()
    typer.echo(f"{story.title}.\nSource: {story.source} ({story.licence}).\n")
    if replay:
        _replay()
        return
    if release:
        _release()
        return
    from watchkeeper import watch
    from watchkeeper.cli.option import following
    from watchkeeper.cli.screen import Screen
    from watchkeeper.report import print_result

    with following("Checking") as told:
        result = watch.check(story.current, story.baseline, model=story.model, by=story.by, html=html, told=told)
    print_result(result, Screen(), brief=True)
    typer.echo("\nOpen the report to see when, what else, and what to do.")


def _replay() -> None:
    import tempfile

    from watchkeeper.cli.home import needs_server
    from watchkeeper.demo import files

    with needs_server():
        from watchkeeper.demo.replay import replay
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-demo-")) / "home"
    typer.echo(f"A new home at {folder}, a server, and a service that logs what it measures:\n")
    onsets = days = 0
    for day in replay(files(), folder):
        _say(day)
        onsets, days = onsets + day.onsets, days + 1
    typer.echo(f"\n{days} days were lived, and {onsets} alarms began. All of it is kept:")
    typer.echo(f"  watchkeeper status --home {folder}")
    typer.echo(f"  watchkeeper export air-quality findings -o findings.jsonl --home {folder}")


def _say(day: Day) -> None:
    from watchkeeper.budget import Severity
    from watchkeeper.report import words

    mark, what = "·", ""
    for severity, loud in ((Severity.WARNING, "▲"), (Severity.ALARM, "■")):
        if names := [words.name(name) for name in day.told(severity)]:
            mark, what = loud, f"  {severity}: {words.join(names, most=4)}"
    if mark == "■":
        what += f"; {words.plural(day.onsets, 'alarm')} began" if day.onsets else "; as before"
    typer.echo(f"  {mark} {day.day.day:2} {day.day:%B %Y}  {day.events} events{what}")


def _release() -> None:
    import tempfile

    from watchkeeper.cli.home import needs_server
    from watchkeeper.demo import files

    with needs_server("gateway"):
        from watchkeeper.demo.release import play
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-demo-")) / "home"
    typer.echo(f"A new home at {folder}. Four clients ask a gateway for predictions, and never stop.\n")
    asked = failed = 0
    for scene in play(files(), folder):
        _tell(scene)
        asked, failed = asked + scene.asked, failed + scene.failed
    typer.echo(f"{asked:,} requests were sent, and {failed} of them failed: what v4 could not answer, v2 did.")
    typer.echo("All of it is kept:")
    typer.echo(f"  watchkeeper versions air-quality --home {folder}")
    typer.echo(f"  watchkeeper card air-quality v4 --home {folder}")
    typer.echo(f"  watchkeeper gateway --home {folder}")


def _tell(scene: Scene) -> None:
    from watchkeeper.report import words

    verdict = scene.verdict
    typer.echo(f"{scene.version}  {scene.what}")
    typer.echo(f"    gate      {verdict.outcome.value}: {words.plural(len(verdict.checks), 'check')}")
    told = verdict.failed or [check for check in verdict.checks if check.name in ("non_inferiority", "skill")][:1]
    for check in told:
        typer.echo(f"              {check.sentence}")
    if scene.refused is not None:
        typer.echo("    release   refused; what was live goes on")
    else:
        typer.echo("    release   live")
    if scene.back is not None:
        typer.echo("    live      8 April 2004, 23:00: the sensors fall silent, for 24 hours")
        typer.echo(f"    rollback  to {scene.back.version}, by itself: {scene.back.why}")
    answers = words.join([f"{number:,} by {version}" for version, number in scene.answered.items()])
    typer.echo(f"    load      {scene.asked:,} requests, {scene.failed} failed; answered {answers}\n")
