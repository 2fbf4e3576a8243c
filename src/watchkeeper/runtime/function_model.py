"""A user's Python function, loaded: the operator allowed it, so its code runs as it is."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from watchkeeper.model import Scalar
from watchkeeper.runtime import answered, typed
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Column
from watchkeeper.runtime.failure import CannotLoad, WrongAnswer


class FunctionModel:
    """`pipeline.py:predict`: takes a mapping of column to array, and gives predictions, with scores if it has any."""

    def __init__(self, function: str, inputs: Sequence[str], path: str | None) -> None:
        self._columns = tuple(inputs)
        self._path = path
        self._call = _function(function)
        self.outputs: tuple[str, ...] = ("prediction", "score")
        self.classes: tuple[Scalar, ...] = ()

    def answer(self, columns: Sequence[Column], rows: int) -> Answers:
        """Answer to rows; their columns are in the order of the servable's inputs."""
        table = {name: typed.as_come(column) for name, column in zip(self._columns, columns, strict=True)}
        given = self._call(table) if self._path is None else self._call(table, self._path)
        prediction, scores, classes = _parts(given)
        return answered.answers(prediction, scores, classes, rows)


def _function(name: str) -> Callable[..., Any]:
    """The function of a file; modules beside the file can be imported by it."""
    file, _, called = name.rpartition(":")
    path = Path(file).absolute()
    if not path.is_file():
        raise CannotLoad(f"{path}: no such file. Name the function as pipeline.py:predict.")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{path} is no Python file. Name the function as pipeline.py:predict.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, called, None)
    if not callable(found):
        raise CannotLoad(f"{path} has no function {called}.")
    return found  # type: ignore[no-any-return]


def _parts(given: object) -> tuple[object, object, Sequence[Any]]:
    """Prediction, scores and classes of what a function gave."""
    if isinstance(given, tuple):
        if len(given) != 2:
            raise WrongAnswer(f"The function gives {len(given)} things: give predictions, or predictions and scores.")
        return given[0], given[1], ()
    if isinstance(given, Mapping):
        unknown = sorted(set(given) - {"prediction", "score", "scores", "classes"})
        if unknown:
            raise WrongAnswer(
                f"The function gives {', '.join(map(repr, unknown))}: known are prediction, score, scores, classes."
            )
        scores = given.get("scores", given.get("score"))
        return given.get("prediction"), scores, tuple(answered.plain(one) for one in given.get("classes", ()))
    return given, None, ()
