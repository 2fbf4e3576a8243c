"""The inputs and outputs of an ONNX graph: which columns a model takes, and which it can't be given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.runtime.failure import Refused
from watchkeeper.runtime.protobuf import Span, Walk, span, whole

_TAKEN = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
"""Types of values that a column may have: numbers, texts and booleans."""


@dataclass(frozen=True)
class Port:
    """An input or an output: its name, its type, and its dimensions where it states them."""

    name: str
    type: int | None
    """The number of its type in `onnx.proto`; None where it is no tensor."""
    shape: tuple[int | None, ...] | None
    """None for a dimension that is open, None for all of them where it says nothing."""

    @property
    def width(self) -> int | None:
        """Columns that it takes; None where it does not say."""
        if self.shape is None:
            return None
        return 1 if len(self.shape) == 1 else self.shape[1]


def columns(inputs: Sequence[Port]) -> tuple[str, ...] | None:
    """The columns that a model names, one an input; None where one matrix takes them all; else raises `Refused`."""
    if not inputs:
        raise Refused("The model takes no input, so it can't depend on a row.")
    for one in inputs:
        _checked(one, alone=len(inputs) == 1)
    if len(inputs) == 1 and inputs[0].width != 1:
        return None
    return tuple(one.name for one in inputs)


def _checked(one: Port, alone: bool) -> None:
    """Refuse an input that is not a column of rows, nor the one matrix of all columns."""
    if one.type not in _TAKEN:
        raise Refused(f"Its input {one.name} is no tensor of numbers, texts or booleans. Export it to take columns.")
    shape = one.shape
    if shape is None:
        return
    if len(shape) not in (1, 2):
        raise Refused(f"Its input {one.name} has {len(shape)} dimensions; a column has one, a table two.")
    if shape[0] is not None:
        raise Refused(
            f"Its input {one.name} takes exactly {shape[0]} rows. Export the model with an open first dimension, "
            "so that it answers to any number of rows."
        )
    if not alone and one.width not in (None, 1):
        raise Refused(
            f"Its input {one.name} takes {one.width} columns, beside other inputs. "
            "Export it with one input per column, or with one input for all of them."
        )


def classes_of(outputs: Sequence[Port]) -> int | None:
    """How many classes the probabilities are of, where an output states it."""
    widths = (one.shape[1] for one in outputs if one.shape is not None and len(one.shape) == 2)
    return next((width for width in widths if width is not None and width > 1), None)


def port_of(walk: Walk, info: Span) -> Port:
    """An input or an output of a graph."""
    name, kind, shape = "", None, None
    for number, value in walk.fields(info):
        if number == 1:
            name = walk.text(value)
        elif number == 2:
            for part, inner in walk.fields(span(value)):
                if part == 1:
                    kind, shape = _type(walk, span(inner))
    return Port(name, kind, shape)


def _type(walk: Walk, tensor: Span) -> tuple[int | None, tuple[int | None, ...] | None]:
    kind, shape = None, None
    for number, value in walk.fields(tensor):
        if number == 1:
            kind = whole(value)
        elif number == 2:
            shape = tuple(_dimension(walk, span(one)) for part, one in walk.fields(span(value)) if part == 1)
    return kind, shape


def _dimension(walk: Walk, dimension: Span) -> int | None:
    for number, value in walk.fields(dimension):
        if number == 1:
            stated = whole(value)
            return stated if stated > 0 else None
    return None
