"""An ONNX model, loaded: what columns become its tensors, and what its tensors answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Scalar
from watchkeeper.runtime import answered, onnx_file, typed
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Column
from watchkeeper.runtime.failure import CannotLoad, WrongAnswer

_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
_INTEGER_NAMES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_INTEGERS: dict[str, Any] = {f"tensor({name})": np.dtype(name) for name in _INTEGER_NAMES}


class OnnxModel:
    """A session of `onnxruntime`, and how its inputs and outputs are meant."""

    def __init__(self, path: str, inputs: Sequence[str], threads: int) -> None:
        import onnxruntime

        with Path(path).open("rb") as file:
            described = onnx_file.describe(file, Path(path).stat().st_size, sys.maxsize)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.use_deterministic_compute = True
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._run = session.run
        self._inputs = [(one.name, one.type, len(one.shape)) for one in session.get_inputs()]
        self._columns = tuple(inputs)
        self._order = self._placed(session.get_inputs()[0].shape)
        outputs = session.get_outputs()
        self.outputs = tuple(one.name for one in outputs)
        self._maps = next((at for at, one in enumerate(outputs) if one.type.startswith("seq(map(")), None)
        self._scores = self._maps if self._maps is not None else _scores_at(outputs)
        self._label = next((at for at in range(len(outputs)) if at != self._scores), None)
        self.classes = described.classes

    def answer(self, columns: Sequence[Column], rows: int) -> Answers:
        """Answer to rows; their columns are in the order of the servable's inputs."""
        found = self._run(None, self._feed(columns, rows))
        label = None if self._label is None else found[self._label]
        scores = None if self._scores is None else found[self._scores]
        if scores is not None and self._maps is not None:
            if not self.classes:
                self.classes = tuple(sorted(scores[0])) if scores else ()
            scores = answered.maps_to_table(scores, self.classes)
        if scores is not None and not self.classes and scores.ndim == 2 and scores.shape[1] > 1:
            self.classes = _numbered(label, scores.shape[1])
        return answered.answers(label, scores, self.classes, rows)

    def _placed(self, shape: Sequence[object]) -> list[int]:
        """Where among the columns each input is; empty where one matrix takes them all."""
        names = [name for name, _, _ in self._inputs]
        if len(names) == 1 and names[0] not in self._columns:
            if len(shape) == 2 and isinstance(shape[1], int) and shape[1] != len(self._columns):
                raise CannotLoad(
                    f"The model takes {shape[1]} columns at once, but {len(self._columns)} are stated: "
                    f"{', '.join(self._columns)}. Register it with the columns of its training, in their order."
                )
            return []
        missing = [name for name in names if name not in self._columns]
        if missing:
            raise CannotLoad(
                f"The model takes {', '.join(missing)}, which is none of the columns {', '.join(self._columns)}."
            )
        return [self._columns.index(name) for name in names]

    def _feed(self, columns: Sequence[Column], rows: int) -> dict[str, NDArray[Any]]:
        if not self._order:
            [(name, kind, _)] = self._inputs
            table = [_tensor(column, of, kind) for column, of in zip(columns, self._columns, strict=True)]
            return {name: np.stack(table, axis=1)}
        feed = {}
        for (name, kind, dimensions), at in zip(self._inputs, self._order, strict=True):
            values = _tensor(columns[at], name, kind)
            feed[name] = values if dimensions == 1 else values.reshape(rows, 1)
        return feed


def _tensor(column: Column, name: str, type: str) -> NDArray[Any]:
    if type in _FLOATS:
        return typed.floats(column, name, _FLOATS[type])
    if type in _INTEGERS:
        return typed.integers(column, name, _INTEGERS[type])
    if type == "tensor(bool)":
        return typed.booleans(column, name)
    return typed.texts(column, name)


def _scores_at(outputs: Sequence[Any]) -> int | None:
    """Which output holds probabilities of classes, where one does: real numbers beside a label, or several a row."""
    for at, one in enumerate(outputs):
        wide = len(one.shape) == 2 and one.shape[1] != 1
        if one.type in _FLOATS and wide and (len(outputs) > 1 or isinstance(one.shape[1], int)):
            return at
    return None


def _numbered(label: Any, count: int) -> tuple[Scalar, ...]:
    """Classes that nothing in the file names: their numbers."""
    numbered = label is None or (np.asarray(label).dtype.kind in "iub" and bool(np.isin(label, range(count)).all()))
    if not numbered:
        raise WrongAnswer(
            "The model gives probabilities of classes, but its file does not say of which. "
            'Add them to its metadata: `classes` = `["no", "yes"]`, in the order of the probabilities.'
        )
    return tuple(range(count))
