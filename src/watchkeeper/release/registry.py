"""Registry: which versions of a model there are, which is live, and how another one goes live."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.mistake import no_such, shown
from watchkeeper.release import artifact
from watchkeeper.release.answering import answering, code_of
from watchkeeper.release.contract.consumer import broken
from watchkeeper.release.inputs import inputs_of
from watchkeeper.release.outcome import Outcome
from watchkeeper.runtime import Format, Refused, Servable, examine
from watchkeeper.state import deletion, deployment
from watchkeeper.state import gate as gates
from watchkeeper.state import version as kept
from watchkeeper.state.deployment import Action, Deployment, standing
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home

READY = 7
"""How many earlier versions are named as ready for a rollback."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


class BadVersion(WatchkeeperError):
    """A version can't be called that."""


class VersionExists(WatchkeeperError):
    """A version of that name is registered already, and versions never change."""


class NoSuchVersion(WatchkeeperError):
    """A version is named that was never registered: the text names those that were."""


class NotPassed(WatchkeeperError):
    """The gate did not let a version through: its newest verdict is no PASS, or there is none."""

    exit_code = 1


class AlreadyLive(WatchkeeperError):
    """The version that should go live is live."""


class Overtaken(WatchkeeperError):
    """Somebody else changed what is live in the same moment: the text says who, and what is live now."""

    exit_code = 4


class NothingToRollBackTo(WatchkeeperError):
    """No earlier version of the model was live, or not the one that was named."""


def register(
    home: Home,
    model: str,
    file: str | Path | None = None,
    *,
    version: str | None = None,
    lineage: Mapping[str, Any] | None = None,
    inputs: Sequence[str] | None = None,
    function: str | None = None,
    url: str | None = None,
    called: str | None = None,
    now: int,
    who: str,
) -> Version:
    """Keep a version: its file, a function of the user's (which may take the file), or the server that answers.

    `called`: the file's name, if it is not the one it has now.

    Raises `BadVersion`, `VersionExists`, `NothingToServe`, `WrongInputs`, `Refused` (the file is none that may be
    served), and what `artifact.put` raises.
    """
    declared = home.model(model)
    _named(version)
    if version is not None and kept.get(home.store, model, version) is not None:
        raise _taken(model, version)
    answers = answering(file, function, url)
    facts = examine(Path(file), home.config.serving) if answers is None and file is not None else None
    code = None if function is None else code_of(function)
    takes = inputs_of(declared, inputs, facts)
    sha256 = None if file is None else artifact.put(home, file)
    if facts is not None and facts.sha256 != sha256:
        raise Refused(f"{file} changed while it was read. Wait until it is written, then register it again.")
    size = None if sha256 is None else artifact.fetch(home, sha256).stat().st_size
    detail = {
        "inputs": takes,
        "function": None if code is None else f"{code}:{str(function).rpartition(':')[2]}",
        "function_sha256": None if code is None else artifact.digest(code),
        "url": url,
        "lineage": dict(lineage or {}),
    }
    way = answers or (facts.format if facts else Format.FUNCTION)
    name = None if file is None else called or Path(file).name
    new = kept.add(home.store, model, version, way.value, sha256, name, size, detail, now, who)
    if new is None:
        raise _taken(model, version)
    if file is not None and sha256 is not None and not artifact.is_kept(home, sha256):
        artifact.put(home, file)  # the same bytes of an old version were deleted before this one was known to need them
    return new


def versions(home: Home, model: str) -> list[Version]:
    """All versions, oldest first. Raises `NoSuchModel`."""
    home.model(model)
    return kept.listing(home.store, model)


def one(home: Home, model: str, version: str) -> Version:
    """A version. Raises `NoSuchModel`, `NoSuchVersion`."""
    found = kept.get(home.store, model, version)
    if found is not None:
        return found
    known = [other.version for other in reversed(versions(home, model))]
    more = no_such(version, known) if known else "None was registered yet."
    raise NoSuchVersion(
        f"{model} has no version {shown(version)}. {more} `watchkeeper register {model} FILE` adds one."
    )


def live(home: Home, model: str, at: int | None = None) -> Version | None:
    """The version that is live, or was at a time in µs; None where none was."""
    rows = deployment.log(home.store, model, at)
    return one(home, model, rows[-1].version) if rows else None


def previous(home: Home, model: str) -> Version | None:
    """What a rollback goes to; None where there is nothing."""
    found = earlier(home, model, 1)
    return found[0] if found else None


def earlier(home: Home, model: str, most: int = READY) -> list[Version]:
    """What rollbacks go to, one after the other: the nearest first."""
    below = standing(deployment.log(home.store, model))[:-1]
    return [one(home, model, version) for version in reversed(below[-most:])] if most > 0 else []


def release(home: Home, model: str, version: str, *, force: str | None = None, now: int, who: str) -> Deployment:
    """Put a version live that the gate let through, or, where `force` says why, one that it did not.

    Raises `NoSuchVersion`, `NotPassed`, `AlreadyLive`, `Overtaken`.
    """
    found = one(home, model, version)
    rows = deployment.log(home.store, model)
    if rows and rows[-1].version == version:
        raise AlreadyLive(f"{version} is what is live of {model}, put there by {rows[-1].who}. Nothing was done.")
    verdict = gates.latest(home.store, model, version)
    passed = verdict is not None and verdict.outcome == Outcome.PASS
    if not passed and not (force and force.strip()):
        said = "was never gated" if verdict is None else f"did not pass: the gate said {verdict.outcome}"
        raise NotPassed(
            f"{version} of {model} {said}, so it is not released. Run: watchkeeper gate {model} {version} "
            '--holdout FILE. Or put it live all the same, which the audit trail keeps: --force "why".'
        )
    breaks = broken(home, found)
    if breaks is not None and not (force and force.strip()):
        raise NotPassed(f"{breaks}. So it is not released, unless you say why: --force.")
    action, why = (
        (Action.RELEASE, "the gate said PASS") if passed and breaks is None else (Action.FORCE, str(force).strip())
    )
    return _live(home, model, version, action, why, verdict.id if verdict else None, rows, now, who)


def rollback(
    home: Home, model: str, to: str | None = None, *, of: str | None = None, why: str, now: int, who: str
) -> Deployment:
    """Put the previous version live again, or any other that was live before: one row.

    `of`: only if this is the version that is live, so that two who find the same fault go back once.
    Raises `NothingToRollBackTo`, `NoSuchVersion`, `Overtaken`.
    """
    rows = deployment.log(home.store, model)
    if of is not None and rows and rows[-1].version != of:
        raise _overtaken(rows[-1], f"so {of} was not rolled back")
    target = _target(home, model, to, rows)
    return _live(home, model, target, Action.ROLLBACK, why, None, rows, now, who)


def servable(home: Home, version: Version) -> Servable:
    """All that is needed to run a version, its file on this machine and verified. Raises what `fetch` raises."""
    path = None if version.artifact is None else fetch(home, version)
    detail = version.detail
    if detail["function"] is not None:
        artifact.verify(Path(detail["function"].rpartition(":")[0]), detail["function_sha256"])
    return Servable(Format(version.format), tuple(detail["inputs"]), path, detail["function"], detail["url"])


def fetch(home: Home, version: Version) -> Path:
    """The file of a version that has one, on this machine and verified. Raises `FileDeleted`, and what `fetch` does."""
    assert version.artifact is not None, "asked for versions that have a file"
    with home.store.reading() as connection:
        deletion.require(connection, version.model, version.version)
    return artifact.fetch(home, version.artifact)


def _live(
    home: Home,
    model: str,
    version: str,
    action: Action,
    why: str,
    gate: int | None,
    rows: Sequence[Deployment],
    now: int,
    who: str,
) -> Deployment:
    """Add the row, unless another one came since `rows` were read: who decided on other facts must look again."""
    after = rows[-1].id if rows else None
    at = max(now, rows[-1].at) if rows else now  # the log runs forward, though clocks of machines differ
    done = deployment.add(home.store, model, version, action, why, gate, at, who, after=after)
    if done is None:
        raise _overtaken(deployment.log(home.store, model)[-1], f"so {version} was not")
    return done


def _overtaken(by: Deployment, so: str) -> Overtaken:
    return Overtaken(
        f"{by.who} put {by.version} of {by.model} live at the same time ({by.action}: {by.why}), {so}. "
        f"Look at `watchkeeper versions {by.model}`, then decide again."
    )


def _target(home: Home, model: str, to: str | None, rows: Sequence[Deployment]) -> str:
    stack = standing(rows)
    if to is None:
        if len(stack) > 1:
            return stack[-2]
        home.model(model)
        if not stack:
            raise NothingToRollBackTo(f"{model} can't be rolled back: nothing of it was ever live.")
        raise NothingToRollBackTo(
            f"{model} can't be rolled back: no version stands below {stack[0]}, which is live. "
            f"To go to one that was rolled back before, name it: watchkeeper rollback {model} --to VERSION."
        )
    one(home, model, to)
    if stack and to == stack[-1]:
        raise NothingToRollBackTo(f"{to} is what is live of {model}. Nothing was done.")
    if to not in {row.version for row in rows}:
        raise NothingToRollBackTo(
            f"{to} of {model} was never live, so there is no way back to it. To put it live: "
            f"watchkeeper release {model} {to}."
        )
    return to


def _named(version: str | None) -> None:
    if version is not None and (not _NAME.fullmatch(version) or version == "unversioned"):
        raise BadVersion(
            f"a version can't be called {shown(version)}: use 1 to 100 letters, digits, dots, hyphens, underscores and "
            "plus signs, with a letter or digit first; `unversioned` is what events without a version are called."
        )


def _taken(model: str, version: str | None) -> VersionExists:
    return VersionExists(
        f"{model} has a version {shown(version)} already, and versions never change. "
        "Name another one, or leave the name out: then the next number is taken."
    )
