"""Remote: a version that a server of the user's answers, over the Open Inference Protocol or MLflow's."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from watchkeeper.gateway.figures import Figures
from watchkeeper.gateway.line import Unanswered
from watchkeeper.gateway.refusal import Busy, Refusal
from watchkeeper.gateway.rows import Reply, Rows, listed
from watchkeeper.gateway.tensor import DATATYPE_OF, encoded
from watchkeeper.model import Allowed, Model, Scalar
from watchkeeper.model.gateway import Gateway
from watchkeeper.runtime.failure import CannotLoad
from watchkeeper.runtime.servable import Servable

if TYPE_CHECKING:
    import aiohttp

CONNECTIONS = 32
CONNECT_SECONDS = 2.0
MOST_BYTES = 32 << 20
"""The most bytes of an answer that are read."""


class Remote:
    """Asks a server whose host the home's configuration lists, over a pool of connections; it follows no redirect."""

    def __init__(self, name: str, servable: Servable, allowed: Allowed, limits: Gateway, model: Model) -> None:
        self.name = name
        self.inputs = servable.inputs
        self.figures = Figures()
        self.restarts = 0
        self.is_up = False
        self.memory_bytes: int | None = None
        self.pending = 0
        self._url = _checked(servable.url or "", allowed)
        self._is_mlflow = urlsplit(self._url).path.rstrip("/").endswith("/invocations")
        self._limits, self._model = limits, model
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Reply]] = set()

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
            status, content = await self._post(self._session, self._body(rows))
            reply = self._read(status, content, rows.number)
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

    def _body(self, rows: Rows) -> bytes:
        columns = {name: listed(rows.columns[name]) for name in self.inputs}
        if self._is_mlflow:
            lines = list(zip(*columns.values(), strict=True))
            return msgspec.json.encode({"dataframe_split": {"columns": self.inputs, "data": lines}})
        inputs = []
        for name, values in columns.items():
            tensor = encoded(name, values, [rows.number], self._model.columns.get(name))
            declared = self._model.columns.get(name)
            if declared is not None:
                tensor.datatype = DATATYPE_OF[declared.type]
            inputs.append(tensor)
        return msgspec.json.encode({"inputs": inputs})

    def _read(self, status: int, content: bytes, number: int) -> Reply:
        if 400 <= status < 500:
            raise Refusal(400, "model", f"{self.name} refuses the request: {_told(content)}")
        if status != 200:
            raise Unanswered(f"The server of {self.name} answers with the status {status}.", "error", sent=True)
        try:
            answer = msgspec.json.decode(content)
            reply = _of_mlflow(answer) if self._is_mlflow else _of_oip(answer)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            words = f"The server of {self.name} answers what can't be read ({type(error).__name__})."
            raise Unanswered(words, "error", sent=True) from error
        lengths = {len(values) for values in (reply.prediction, _per_row(reply)) if values is not None}
        if lengths != {number}:
            raise Unanswered(f"The server of {self.name} does not give one answer a row.", "error", sent=True)
        return reply


def _checked(url: str, allowed: Allowed) -> str:
    """The URL, if its host may be reached. Raises `CannotLoad`."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    if parts.scheme not in ("http", "https") or not ({host, parts.hostname} & {name.lower() for name in allowed.hosts}):
        raise CannotLoad(
            f"{parts.scheme}://{host} may not be asked for predictions. "
            "If you trust it, write its host under `serving: hosts:` in config.yaml."
        )
    path = parts.path.rstrip("/")
    if "/v2/models/" in path and not path.endswith("/infer"):
        return parts._replace(path=f"{path}/infer").geturl()
    if not path.endswith(("/infer", "/invocations")):
        raise CannotLoad(
            f"{url[:200]} is no address of a model: write …/v2/models/NAME for the Open Inference Protocol, "
            "or …/invocations for MLflow."
        )
    return url


def _of_oip(answer: dict[str, Any]) -> Reply:
    """The outputs called prediction, score and scores; else the first is the prediction, and a second the scores."""
    named = {output["name"]: output for output in answer["outputs"]}
    first, *more = answer["outputs"]
    prediction = named.get("prediction", first)
    score, scores = named.get("score"), named.get("scores")
    if scores is None and score is None and "prediction" not in named and more and more[0]["datatype"].startswith("FP"):
        scores = more[0]
    if score is not None:
        both = [part for one in score["data"] for part in (1.0 - one, one)]
        return Reply(prediction["data"], both, [0, 1])
    if scores is None or len(scores["shape"]) != 2:
        return Reply(prediction["data"], None, ())
    names: list[Scalar] = list(range(scores["shape"][1]))
    told = (scores.get("parameters") or {}).get("classes")
    return Reply(prediction["data"], scores["data"], json.loads(told) if told else names)


def _of_mlflow(answer: dict[str, Any]) -> Reply:
    """One value a row is the prediction; several are probabilities of classes."""
    predictions = answer["predictions"]
    if predictions and isinstance(predictions[0], list):
        width = len(predictions[0])
        best = [line.index(max(line)) for line in predictions]
        return Reply(best, [value for line in predictions for value in line], list(range(width)))
    return Reply(predictions, None, ())


def _per_row(reply: Reply) -> list[Any] | None:
    if reply.scores is None:
        return None
    return listed(reply.scores)[:: len(reply.classes)]


def _told(content: bytes) -> str:
    """What an error's body says."""
    try:
        body = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return content[:200].decode("utf-8", "replace")
    text = body.get("error") or body.get("message") if isinstance(body, dict) else body
    return str(text)[:500]
