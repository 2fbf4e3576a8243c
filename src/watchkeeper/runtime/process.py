"""The process that holds one model: `python -m watchkeeper.runtime.process FD`, started by its owner alone."""

from __future__ import annotations

import faulthandler
import os
import resource
import select
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from watchkeeper.model import Scalar, WatchkeeperError
from watchkeeper.runtime import answered, channel, typed
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Column, Failed, Load, Loaded
from watchkeeper.runtime.failure import Raised
from watchkeeper.runtime.servable import Format

Reply = Answers | WatchkeeperError
Request = tuple[int, list[Column]]


class LoadedModel(Protocol):
    """A model of any format."""

    outputs: tuple[str, ...]
    classes: tuple[Scalar, ...]

    def answer(self, columns: Sequence[Column], rows: int) -> Answers:
        """Answer to rows; their columns are in the order of the servable's inputs."""
        ...


def main(number: str) -> None:
    """Load what the owner says, then answer until the socket closes."""
    owner = socket.socket(fileno=int(number))
    os.dup2(2, 1)  # what a model prints goes to the log, never into an answer
    faulthandler.enable()
    threading.Thread(target=_end_with, args=(owner,), daemon=True).start()
    frames = channel.Frames()
    model: LoadedModel | None = None
    while piece := owner.recv(1 << 20):
        for body in frames.cut(piece):
            if model is None:
                model = _start(owner, channel.load_of(body))
            else:
                number_of_call, requests = channel.batch_of(body)
                owner.sendall(channel.replies_frame(number_of_call, answer(model, requests)))


def answer(model: LoadedModel, requests: Sequence[Request]) -> list[Reply]:
    """Answer requests by one call of the model; where that fails, by one call each, so that one can't spoil others."""
    if len(requests) > 1:
        try:
            return _together(model, requests)
        except WatchkeeperError:
            pass  # each request is told its own error below
    return [_alone(model, request) for request in requests]


def _together(model: LoadedModel, requests: Sequence[Request]) -> list[Reply]:
    columns = [typed.joined(parts) for parts in zip(*(columns for _, columns in requests), strict=True)]
    whole = _called(model, columns, sum(rows for rows, _ in requests))
    answered.check(whole)
    replies: list[Reply] = []
    start = 0
    for rows, _ in requests:
        replies.append(answered.part(whole, start, start + rows))
        start += rows
    return replies


def _alone(model: LoadedModel, request: Request) -> Reply:
    rows, columns = request
    if rows == 0:
        return Answers(np.empty(0))  # whoever asks so wants to know that the process lives
    try:
        given = _called(model, columns, rows)
        answered.check(given)
    except WatchkeeperError as error:
        return error
    return given


def _called(model: LoadedModel, columns: Sequence[Column], rows: int) -> Answers:
    try:
        return model.answer(columns, rows)
    except WatchkeeperError:
        raise
    except Exception as error:  # whatever a model raises is told to its owner
        raise Raised(f"The model raised {type(error).__name__}: {error}") from error


def _start(owner: socket.socket, load: Load) -> LoadedModel:
    """Load the model and say so; where it can't be loaded, say why and end."""
    began = time.monotonic()
    try:
        _limit(load.memory_bytes)
        model = _model(load)
    except Exception as error:  # noqa: BLE001  # the owner is told, whatever a model raises
        reason = str(error) if isinstance(error, WatchkeeperError) else f"{type(error).__name__}: {error}"
        owner.sendall(channel.loaded_frame(Failed(reason)))
        sys.exit(1)
    loaded = Loaded(model.outputs, model.classes, time.monotonic() - began, _memory())
    owner.sendall(channel.loaded_frame(loaded))
    return model


def _model(load: Load) -> LoadedModel:
    if load.format == Format.ONNX:
        from watchkeeper.runtime.onnx_model import OnnxModel

        return OnnxModel(str(load.path), load.inputs, load.threads)
    if load.format == Format.SKOPS:
        from watchkeeper.runtime.skops_model import SkopsModel

        return SkopsModel(Path(str(load.path)), load.inputs, load.skops_types)
    from watchkeeper.runtime.function_model import FunctionModel

    return FunctionModel(str(load.function), load.inputs, load.path)


def _limit(memory_bytes: int | None) -> None:
    """No core files, as they hold users' data; no more memory than allowed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes is not None:  # what is written to counts, not what is merely reserved
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


def _memory() -> int:
    """The most memory that this process has held so far."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def _end_with(owner: socket.socket) -> None:
    """End this process when its owner is gone, even in the middle of a call."""
    watch = select.poll()
    watch.register(owner, getattr(select, "POLLRDHUP", select.POLLHUP))
    watch.poll()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
