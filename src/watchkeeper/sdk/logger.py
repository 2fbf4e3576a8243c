"""Logger: what a service calls to record predictions, labels, metrics and jobs."""

from __future__ import annotations

import atexit
import functools
import itertools
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter
from time import time as wall_clock
from typing import Any, Literal

from watchkeeper.sdk.counts import Counts, Tally
from watchkeeper.sdk.decoration import Function, decorated
from watchkeeper.sdk.error import NoSuchModel, SDKError
from watchkeeper.sdk.figure import Figures
from watchkeeper.sdk.home import home_folder, inbox_of, spool_of
from watchkeeper.sdk.job import Job
from watchkeeper.sdk.lifetime import close_at_exit, close_with_worker, tell_of_forks
from watchkeeper.sdk.prediction import Prediction
from watchkeeper.sdk.pump import Pump
from watchkeeper.sdk.record import Event, Label, MetricPoint
from watchkeeper.sdk.sink import InboxSink, Sink
from watchkeeper.sdk.table import Plan
from watchkeeper.sdk.value import identifier, moment

WRONG = (ValueError, TypeError, OverflowError, OSError)
"""What converting a wrong value raises."""


class Logger:
    """Records what a model does, without ever failing or holding up the service that calls it.

    Without `url` it writes to the home's inbox; with it, to a server, and to the spool while the server is away.

    Args:
        model: its name, as in its YAML.
        url: the server's address, as `http://127.0.0.1:8700`.
        token: the server's, made by `watchkeeper token create --role ingest`.
        home: the home folder; else `$WATCHKEEPER_HOME`, else `./.watchkeeper`.
        queue: how many records may wait in memory.
        when_full: `drop` loses the newest record and counts it; `block` waits up to `block_seconds` first.
        block_seconds: how long a call may wait for room in the queue with `block`.
        interval: seconds between two writes.
        period: seconds between two sets of figures of the service; None records none.
        spool: the folder for what the server could not take yet; else one in the home.
        spool_bytes: how large it may grow.
        when_spool_full: lose the `oldest` or the `newest` records.
        timeout: seconds that one step of a request may take.
        exit_seconds: how long an exit may send before the rest goes to the spool.
        compress: send gzip.
    """

    def __init__(
        self,
        model: str,
        url: str | None = None,
        token: str | None = None,
        home: str | Path | None = None,
        *,
        queue: int = 10_000,
        when_full: Literal["drop", "block"] = "drop",
        block_seconds: float = 0.1,
        interval: float = 0.05,
        period: float | None = 10.0,
        spool: str | Path | None = None,
        spool_bytes: int = 1 << 30,
        when_spool_full: Literal["oldest", "newest"] = "oldest",
        timeout: float = 5.0,
        exit_seconds: float = 5.0,
        compress: bool = False,
    ) -> None:
        self.model = model
        folder = home_folder(home)
        inbox = inbox_of(folder, model)
        make: Callable[[Tally], Sink]
        if url is None:
            _check_inbox(inbox, model)
            make = functools.partial(InboxSink, inbox)
        else:
            from watchkeeper.sdk.sender import Delivery  # loads `http.client`, which a local logger does not need

            waiting = Path(spool) if spool is not None else spool_of(folder, model, url)
            make = Delivery(
                model=model,
                url=url,
                token=token,
                spool=waiting.absolute(),
                spool_bytes=spool_bytes,
                when_spool_full=when_spool_full,
                timeout=timeout,
                exit_seconds=exit_seconds,
                compress=compress,
            ).sender
        if when_full not in {"drop", "block"} or when_spool_full not in {"oldest", "newest"} or queue < 1:
            raise SDKError(
                "Use when_full='drop' or 'block', when_spool_full='oldest' or 'newest', and a queue above 0."
            )
        self._figures = Figures()
        self._pump = Pump(
            Tally(model),
            make,
            self._service,
            limit=queue,
            wait_seconds=block_seconds if when_full == "block" else 0.0,
            interval=interval,
            period=period,
        )
        self._name_ids()
        tell_of_forks(self)
        close_at_exit(self)

    def predict(
        self,
        features: Mapping[str, Any],
        version: str | None = None,
        id: Any = None,
        raw: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        time: Any = None,
    ) -> Prediction:
        """A `with` block around one call of the model; the event is recorded when the block ends.

        The mappings are copied on entry, not what is nested in them. Without `id` the block has one of its own, for the
        label that comes later. Without `time` it is the time of entry. An exception of the block is recorded as `error`
        and goes on untouched.
        """
        key = self._new_id() if id is None else id
        try:
            copies = (
                dict(features),
                None if raw is None else dict(raw),
                None if context is None else dict(context),
            )
        except Exception as error:  # noqa: BLE001 – whatever a service's own mapping raises; it is told, and not raised
            self._refuse("features, raw and context must be mappings of names to values", error)
            copies = (None, None, None)  # type: ignore[assignment]
        return Prediction(self._pump, wall_clock(), copies[0], version, key, copies[1], copies[2], time, perf_counter())

    def predictions(
        self,
        version: str | None = None,
        *,
        features: Callable[..., Mapping[str, Any]] | None = None,
        id: Callable[..., Any] | None = None,
    ) -> Callable[[Function], Function]:
        """Record every call of a function or coroutine function.

        `features` and `id` are called with the function's arguments; without `features` its first argument is taken.
        What it returns is the prediction; a dict with `prediction` and perhaps `score` and `scores` gives each of them.
        """

        def begin(arguments: tuple[Any, ...], named: dict[str, Any]) -> Prediction:
            try:
                given = features(*arguments, **named) if features else next(iter((*arguments, *named.values())))
                key = id(*arguments, **named) if id else None
            except Exception as error:  # noqa: BLE001 – the service's own functions; told, and not raised
                self._refuse("features and id of a call can't be had", error)
                return Prediction(self._pump, 0.0, None, version, "", None, None, None, 0.0)
            return self.predict(given, version, key)

        return lambda function: decorated(function, begin)

    def event(
        self,
        features: Mapping[str, Any],
        *,
        id: Any = None,
        time: Any = None,
        version: str | None = None,
        raw: Mapping[str, Any] | None = None,
        prediction: Any = None,
        score: float | None = None,
        scores: Mapping[str, float] | None = None,
        context: Mapping[str, Any] | None = None,
        latency_ms: float | None = None,
        error: str | None = None,
    ) -> str | None:
        """Record a prediction of which all is at hand. Gives its id, or None where a value was wrong."""
        try:
            event = Event(
                id=self._new_id() if id is None else identifier(id),
                time=datetime.now(UTC) if time is None else moment(time),
                features=dict(features),
                version=version,
                raw=None if raw is None else dict(raw),
                prediction=prediction,
                score=score,
                scores=None if scores is None else dict(scores),
                context=None if context is None else dict(context),
                latency_ms=latency_ms,
                error=error,
            )
        except WRONG as wrong:
            self._refuse("an event is not kept", wrong)
            return None
        self._pump.take(event)
        return event.id

    def batch(
        self,
        data: Any,
        *,
        id: str = "id",
        time: str | None = None,
        version: str | None = None,
        prediction: str | None = None,
        score: str | None = None,
        features: Sequence[str] | None = None,
        raw: Sequence[str] = (),
        context: Sequence[str] = (),
        seconds: float = 60.0,
    ) -> int:
        """Record a table of predictions: a dict of columns, or one of pandas, Polars or Arrow; arguments name columns.

        Columns that are named nowhere are features. For jobs, not for the serving path: it waits up to `seconds` for
        room in the queue, and raises `SDKError` when a column is missing. Gives the number of rows taken.
        """
        plan = Plan(
            id=id,
            time=time,
            version=version,
            prediction=prediction,
            score=score,
            features=features,
            raw=raw,
            context=context,
        )
        taken, until = 0, monotonic() + seconds
        for event in plan.events(data):
            if isinstance(event, str):
                self._refuse("a row is not kept", event)
            else:
                taken += self._pump.take_patiently(event, until - monotonic())
        return taken

    def label(self, id: Any, value: Any, at: Any = None) -> None:
        """Record the outcome of an event, and when it became known: `at`, else now."""
        try:
            label = Label(id=identifier(id), label=value, time=datetime.now(UTC) if at is None else moment(at))
        except WRONG as error:
            self._refuse("a label is not kept", error)
        else:
            self._pump.take(label)

    def metric(self, name: str, value: float, at: Any = None, tags: Mapping[str, Any] | None = None) -> None:
        """Record a number from outside: a cost, a business metric."""
        try:
            number = float(value)
            if not math.isfinite(number):
                raise ValueError(f"{name!r} is {number}, which is no number that can be kept")
            point = MetricPoint(
                name=name,
                time=datetime.now(UTC) if at is None else moment(at),
                value=number,
                tags=None if tags is None else {str(key): str(tag) for key, tag in tags.items()},
            )
        except (*WRONG, AttributeError) as error:
            self._refuse("a metric point is not kept", error)
        else:
            self._pump.take(point)

    def job(self, name: str, run: Any = None, packages: Iterable[str] | None = None) -> Job:
        """A `with` block around one run of a pipeline; `packages` are those whose versions matter."""
        return Job(self._pump.take, name, str(run) if run is not None else self._new_id(), packages)

    def request(self, seconds: float, failed: bool) -> None:
        """Count one request of the service; `ServiceMiddleware` calls it."""
        self._figures.traffic.add(seconds, failed)
        self._pump.start()

    @property
    def counts(self) -> Counts:
        """What became of the records of this process so far."""
        return self._pump.tally.counts(len(self._pump.queue))

    def flush(self, timeout: float = 10.0, figures: bool = False) -> bool:
        """Wait until all that was logged is durable: in the inbox, at the server or in the spool.

        False when that takes longer. What was lost before stands in `counts`. With `figures` those of the service are
        recorded now and not at the end of their period.
        """
        return self._pump.flush(timeout, figures)

    def close(self) -> None:
        """Write what waits, and end; what is logged afterwards is counted as dropped. An exit does it by itself."""
        self._pump.close()
        atexit.unregister(self.close)

    def begin_in_child(self) -> None:
        """After a fork: ids, counts and a thread of its own; the queue is the parent's."""
        self._pump.in_child()
        self._figures = Figures()
        self._name_ids()
        close_with_worker(self)

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _name_ids(self) -> None:
        """Ids for events that come without one: a random start for each process, and a number."""
        self._id_start = os.urandom(8).hex()
        self._id_numbers = itertools.count(1)

    def _new_id(self) -> str:
        return f"{self._id_start}-{next(self._id_numbers):x}"

    def _service(self) -> list[MetricPoint]:
        return self._figures.take(self.counts)

    def _refuse(self, what: str, why: object) -> None:
        self._pump.tally.add("invalid")
        self._pump.tally.tell(what, f"{what}: {why}.")


def _check_inbox(inbox: Path, model: str) -> None:
    if not inbox.is_dir():
        raise NoSuchModel(
            f"{inbox} does not exist, so nothing can be logged for {model!r}. Add the model with "
            f"`watchkeeper add {model}.yaml --baseline FILES --home {inbox.parents[1]}`, or give another home or a url."
        )
