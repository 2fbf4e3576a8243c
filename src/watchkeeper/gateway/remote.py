"""Remote: a version that a server of the user's answers, over the Open Inference Protocol or MLflow's."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchkeeper.gateway.aside import Aside
from watchkeeper.gateway.refusal import Busy, Refusal
from watchkeeper.gateway.rows import Reply, Rows
from watchkeeper.gateway.tensor import DATATYPE_OF
from watchkeeper.gateway.version import Unanswered
from watchkeeper.model import Allowed, Model
from watchkeeper.model.gateway import Gateway
from watchkeeper.release.figures import Figures
from watchkeeper.runtime import answered
from watchkeeper.runtime.failure import Crashed, WrongAnswer, WrongInput
from watchkeeper.runtime.remote import answers_of, body_of, checked_url, error_of, path_of
from watchkeeper.runtime.servable import Servable

if TYPE_CHECKING:
    import aiohttp

CONNECTIONS = 32
CONNECT_SECONDS = 2.0
MOST_BYTES = 32 << 20
"""The most bytes of an answer that are read."""


class Remote:
    """Asks a server whose host the home's configuration lists, over a pool of connections; it follows no redirect."""

    def __init__(
        self, name: str, servable: Servable, allowed: Allowed, limits: Gateway, model: Model, aside: Aside
    ) -> None:
        self.name = name
        self.inputs = servable.inputs
        self.figures = Figures()
        self.restarts = 0
        self.first: Reply | None = None
        self.is_up = False
        self.memory_bytes: int | None = None
        self.pending = 0
        url = checked_url(servable.url or "", allowed)
        self._url = urlsplit(url)._replace(path=path_of(url)).geturl()
        self.declare(model)
        self._limits, self._aside = limits, aside
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Reply]] = set()

    def declare(self, model: Model) -> None:
        """Take over how the columns are declared now."""
        self._datatypes = {name: DATATYPE_OF[column.type] for name, column in model.columns.items()}

    async def load(self) -> None:
        """Open the pool; whether the server answers is seen by the first row that it is asked."""
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=self._limits.seconds, connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        self.is_up = True

    def ask(self, rows: Rows, alone: bool = False) -> asyncio.Future[Reply]:
        """Ask the server."""
        if not self.is_up:
            raise Unanswered(f"{self.name} is closed.", "down", sent=False)
        if self.pending >= self._limits.waiting:
            raise Busy(f"{self._limits.waiting:,} requests wait for this model already. Ask again in a second.")
        task = asyncio.get_running_loop().create_task(self._ask(rows))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self, drain_seconds: float) -> None:
        """Wait for the answers under way, for so long, and close the pool."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_seconds)
        self.is_up = False
        if self._session is not None:
            await self._session.close()

    async def _ask(self, rows: Rows) -> Reply:
        import aiohttp

        assert self._session is not None
        began = time.perf_counter()
        self.pending += 1
        try:
            columns = [rows.columns[name] for name in self.inputs]
            encoded = partial(body_of, self._url, self.inputs, columns, self._datatypes)
            body = await self._aside.made(encoded, rows=rows.number)
            status, content = await self._post(self._session, body)
            reply = await self._aside.made(partial(self._read, status, content, rows.number), size=len(content))
        except TimeoutError:
            self.figures.errors += 1
            words = f"The server of {self.name} did not answer within {self._limits.seconds:g} seconds."
            raise Unanswered(words, "timeout", sent=True) from None
        except (aiohttp.ClientError, OSError) as error:
            self.figures.errors += 1
            words = f"The server of {self.name} can't be reached ({type(error).__name__})."
            raise Unanswered(words, "down", sent=True) from error
        except Unanswered:
            self.figures.errors += 1
            raise
        finally:
            self.pending -= 1
            self.figures.add(time.perf_counter() - began)
        return reply

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
            content = await answer.content.read(MOST_BYTES)
            if not answer.content.at_eof():
                raise Unanswered(
                    f"The server of {self.name} answers more than {MOST_BYTES:,} bytes.", "error", sent=True
                )
            return answer.status, content

    def _read(self, status: int, content: bytes, number: int) -> Reply:
        """What the server answers, read as the gate reads it."""
        try:
            if status != 200:
                raise error_of(f"The server of {self.name}", status, content)
            given = answers_of(content, number)
            answered.check(given)
        except WrongInput as wrong:
            raise Refusal(400, "model", str(wrong)) from wrong
        except (WrongAnswer, Crashed) as wrong:
            raise Unanswered(f"{self.name}: {wrong}", "error", sent=True) from wrong
        prediction = None if given.prediction is None else given.prediction.tolist()
        if given.scores is None:
            return Reply(prediction, None, given.classes)
        return Reply(prediction, given.scores.ravel().tolist(), given.classes or range(given.scores.shape[1]))
