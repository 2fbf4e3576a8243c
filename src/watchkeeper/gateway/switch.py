"""Switch: follows the deployment log, loads what goes live, and moves the pointer once it is warm."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from watchkeeper.gateway.aside import Aside
from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.guard import Guard
from watchkeeper.gateway.journal import Journal
from watchkeeper.gateway.line import Line
from watchkeeper.gateway.memory import Memory
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.remote import Remote
from watchkeeper.gateway.rows import Rows, Values
from watchkeeper.gateway.served import Served
from watchkeeper.gateway.version import Unanswered, Version
from watchkeeper.model import Allowed, CannotWrite, Model, Type, WatchkeeperError
from watchkeeper.release import registry
from watchkeeper.release.figures import Figures
from watchkeeper.runtime.failure import CannotLoad
from watchkeeper.runtime.servable import Format
from watchkeeper.state import StateUnavailable, deployment
from watchkeeper.state import model as models
from watchkeeper.state.deployment import Action
from watchkeeper.state.version import Version as Registered
from watchkeeper.watch.home import Home

LOOK_SECONDS = 0.2
CONDITION_SECONDS = 1.0
KEEP_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a version that could not be loaded is tried again."""


class Switch:
    """All models of a home that have a live version. Only the event loop's thread uses it."""

    def __init__(self, home: Home, allowed: Allowed, log: FilteringBoundLogger) -> None:
        self.home = home
        self.models: dict[str, Served] = {}
        self.journals: dict[str, Journal] = {}
        self.aside = Aside()
        self.is_state_there = True
        self._allowed, self._log = allowed, log
        self._limits = home.config.gateway
        self._versions: dict[str, dict[str, Version]] = {}
        self._seen: dict[str, int] = {}
        self._revisions: dict[str, int] = {}
        self._moving: dict[str, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._judged = 0.0
        self._kept = 0.0
        self._keeping: asyncio.Task[None] | None = None
        self._guard = Guard(home, log)
        self._memory = Memory(Path(home.folder))

    async def start(self) -> None:
        """Load all that is live; what can't be loaded is tried again, and told."""
        await self._look()
        await asyncio.gather(*map(self._settled, self._moving))

    async def follow(self) -> None:
        """Look for new rows of the deployment log, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()
            if time.monotonic() - self._judged > CONDITION_SECONDS:
                self._judged = time.monotonic()
                for served in list(self.models.values()):
                    await self._guard.judge(served)
            if time.monotonic() - self._kept > KEEP_SECONDS:
                self._kept = time.monotonic()
                self._keeping = asyncio.create_task(self._keep())
                await asyncio.shield(self._keeping)

    async def close(self) -> None:
        """Answer what is under way, end all processes, and bring to disk what was logged."""
        for task in self._moving.values():
            task.cancel()
        await asyncio.gather(*self._moving.values(), return_exceptions=True)
        if self._keeping is not None:
            await self._keeping  # else it might end after the last one
        await self._keep()
        versions = [version for of in self._versions.values() for version in of.values()]
        await asyncio.gather(*self._beside, *(version.close(self._limits.seconds) for version in versions))
        self.aside.close()
        for journal in self.journals.values():
            await asyncio.to_thread(journal.close)

    async def _look(self) -> None:
        try:
            newest = await asyncio.to_thread(deployment.newest, self.home.store)
            declared = await asyncio.to_thread(models.revisions, self.home.store)
        except StateUnavailable as away:
            if self.is_state_there:
                self._log.error("state away; what is live goes on", error=str(away))
            self.is_state_there = False
            return
        if not self.is_state_there:
            self._log.info("state is there again")
        self.is_state_there = True
        for name, revision in declared.items():
            if name in self.models and self._revisions.get(name) != revision:
                await self._declare(name, revision)
        for name, number in newest.items():
            if self._seen.get(name) != number:
                self._seen[name] = number
                self._move(name)

    async def _declare(self, name: str, revision: int) -> None:
        """Take over how a model is declared now, from the next request on; what is loaded stays."""
        try:
            model = await asyncio.to_thread(self.home.model, name)
        except StateUnavailable:
            return  # the next look tries it again
        except WatchkeeperError as wrong:
            self._log.error("declaration not taken; the one before goes on", model=name, error=str(wrong))
        else:
            served = self.models[name]
            if served.model != model:
                served.model, served.contract = model, Contract(model)
                if name in self.journals:
                    self.journals[name].declare(model)
                for version in self._versions[name].values():
                    if isinstance(version, Remote):
                        version.declare(model)
                self._log.info("declared anew", model=name, revision=revision)
        self._revisions[name] = revision

    def _move(self, name: str) -> None:
        """Follow the newest row; a move that is under way is for an older one, and ends."""
        moving = self._moving.get(name)
        if moving is not None:
            moving.cancel()
        self._moving[name] = asyncio.create_task(self._moved(name, moving))

    async def _moved(self, name: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        pause = FIRST_PAUSE
        while True:
            try:
                await self._try(name)
            except WatchkeeperError as wrong:
                self._failed(name, wrong)
            except Exception as wrong:  # noqa: BLE001 - the outermost edge of a switch: what is live goes on
                self._failed(name, wrong)
            else:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _settled(self, name: str) -> None:
        """Wait until the model's live version and the one before are loaded, or could not be."""
        while not self._moving[name].done() and (name not in self.models or self.models[name].problem is None):
            await asyncio.sleep(0.02)

    async def _try(self, name: str) -> None:
        """Load what is live now and move the pointer, then load what stands behind it."""
        served = self.models.get(name) or self._served(await asyncio.to_thread(self.home.model, name))
        earlier = await asyncio.to_thread(registry.earlier, self.home, name)
        rows = await asyncio.to_thread(deployment.log, self.home.store, name)
        if not rows:
            return
        live = await asyncio.to_thread(registry.one, self.home, name, rows[-1].version)
        version = await self._loaded(served, live)
        if version is not served.live:
            old = served.live
            served.live, served.since, served.before = version, rows[-1].at / 1e6, version.figures.copy()
            is_watched = rows[-1].action is not Action.ROLLBACK and old is not None
            served.reference = old.figures.copy() if is_watched and old is not None else None
            served.deployment = rows[-1].id
            if old is None:
                self._memory.restore(served)
            served.switches += 1
            if old is not None and rows[-1].action is Action.ROLLBACK:
                served.rollbacks[old.name] += 1
            self._log.info("version live", model=name, version=version.name, before=old.name if old else None)
        served.problem = None
        behind = earlier[0] if earlier else None
        if behind is None or served.previous is None or served.previous.name != behind.version:
            served.previous = None if behind is None else self._versions[name].get(behind.version)
        await self._tidied(served, live, earlier)

    async def _tidied(self, served: Served, live: Registered, earlier: list[Registered]) -> None:
        """Load the previous version, fetch those before it, and end what nobody needs any more."""
        name = served.model.name
        keep = {live.version, *(one.version for one in earlier[:1])}
        unused = [self._versions[name].pop(one) for one in list(self._versions[name]) if one not in keep]
        for version in unused:
            self._run(version.close(self._limits.seconds))
        if earlier and served.live is not None and served.live.name == live.version:
            try:
                served.previous = await self._loaded(served, earlier[0])
            except WatchkeeperError as wrong:
                self._log.error("previous version not loaded", model=name, version=earlier[0].version, error=str(wrong))
        for one in earlier[1:]:
            try:
                await asyncio.to_thread(registry.servable, self.home, one)
            except WatchkeeperError as wrong:
                self._log.error("earlier version not ready", model=name, version=one.version, error=str(wrong))

    async def _loaded(self, served: Served, registered: Registered) -> Version:
        """A version that answers: the one that is loaded, or a new one, loaded and warm."""
        versions = self._versions[served.model.name]
        known = versions.get(registered.version)
        if known is not None and known.is_up:
            return known
        version = await self._opened(served, registered)
        if known is not None:
            self._run(known.close(self._limits.seconds))
        versions[registered.version] = version
        return version

    async def _opened(self, served: Served, registered: Registered) -> Version:
        servable = await asyncio.to_thread(registry.servable, self.home, registered)
        name = registered.version
        version: Line | Remote
        if servable.format is Format.REMOTE:
            version = Remote(name, servable, self._allowed, self._limits, served.model, self.aside)
        else:
            version = Line(name, servable, self._allowed, self._limits, self._log)
        try:
            await version.load()
            await self._warmed(served, version)
        except BaseException:
            await version.close(0)
            raise
        return version

    async def _warmed(self, served: Served, version: Line | Remote) -> None:
        """Ask a row that was answered before, or one made up; a model may refuse the latter, but not end by it."""
        row = {name: served.sample.get(name) or _made_up(served.model, name) for name in version.inputs}
        try:
            version.first = await version.ask(Rows(1, row))
        except Refusal as refused:
            self._log.info("first row refused", version=version.name, error=str(refused))
        except Unanswered as wrong:
            raise CannotLoad(f"{version.name} was loaded but does not answer. {wrong}") from wrong
        finally:
            version.figures = Figures()

    async def _keep(self) -> None:
        content = self._memory.content(self.models)
        try:
            await asyncio.to_thread(self._memory.write, content)
        except CannotWrite as wrong:
            self._log.warning("figures not kept", error=str(wrong))

    def _served(self, model: Model) -> Served:
        """A model of which nothing was served yet."""
        self._versions[model.name] = {}
        if self._limits.log:
            self.journals[model.name] = Journal(Path(self.home.folder), model)
        served = self.models[model.name] = Served(model, Contract(model))
        return served

    def _failed(self, name: str, wrong: Exception) -> None:
        served = self.models.get(name)
        goes_on = served.live.name if served is not None and served.live is not None else None
        self._log.error("version not loaded", model=name, goes_on=goes_on, error=str(wrong))
        if served is not None:
            served.failures += 1
            more = f" {goes_on} goes on." if goes_on else ""
            served.problem = f"A version that should be live can't be loaded.{more} The log says why."

    def _run(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)


def _made_up(model: Model, name: str) -> Values:
    """A value that a column may have."""
    column = model.columns.get(name)
    if column is None:
        return [""]
    if column.allowed:
        return [column.allowed[0]]
    if column.type in (Type.INTEGER, Type.NUMBER):
        low = column.minimum if isinstance(column.minimum, int | float) else 0
        high = column.maximum if isinstance(column.maximum, int | float) else low
        return [min(max(0, low), high) if low <= 0 <= high else low]
    if column.type is Type.BOOLEAN:
        return [False]
    return ["2000-01-01T00:00:00Z" if column.type is Type.TIMESTAMP else ""]
