"""What an ONNX file says of itself, read without running it, and what in it is refused.

Field numbers are those of `onnx.proto`, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import BinaryIO

from watchkeeper.model import Scalar
from watchkeeper.runtime import onnx_label
from watchkeeper.runtime.failure import Refused
from watchkeeper.runtime.protobuf import Span, Walk, span, whole

BUILT_IN = frozenset({"", "ai.onnx.ml", "com.microsoft"})
"""Domains of operators that `onnxruntime` brings itself; `ai.onnx.ml` has the trees and linear models."""
WITH_GRAPHS = frozenset({"If", "Loop", "Scan", "SequenceMap", "Constant"})
"""Operators whose attributes hold graphs or tensors."""
MOST_INPUTS = 10_000
_SMALL = 4_096
"""Attributes up to this size are walked whatever their operator."""
_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16}
_BITS |= {17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4}
_TEXTS = 8
_TAKEN = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
"""Types of values that a column may have: numbers, texts and booleans."""


@dataclass(frozen=True)
class Tensor:
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


@dataclass
class Described:
    """What an ONNX file says of itself."""

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    classes: tuple[Scalar, ...] = ()
    """Of its probabilities, where its operators or its metadata name them."""


def describe(file: BinaryIO, size: int, most_bytes: int) -> Described:
    """Read what an ONNX file takes and gives. Raises `Refused` for what may not be in it."""
    return _File(file, size, most_bytes).describe()


def columns(described: Described) -> tuple[str, ...] | None:
    """The columns that a model names, one an input; None where one matrix takes them all; else raises `Refused`."""
    inputs = described.inputs
    if not inputs:
        raise Refused("The model takes no input, so it can't depend on a row.")
    for one in inputs:
        _checked(one, alone=len(inputs) == 1)
    if len(inputs) == 1 and inputs[0].width != 1:
        return None
    return tuple(one.name for one in inputs)


def _checked(one: Tensor, alone: bool) -> None:
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


class _File:
    """One ONNX file while it is read."""

    def __init__(self, file: BinaryIO, size: int, most_bytes: int) -> None:
        self._walk = Walk(file, size)
        self._most = most_bytes
        self._held = 0
        self._domains: set[str] = set()
        self._imported: set[str] = set()
        self._said: tuple[Scalar, ...] = ()

    def describe(self) -> Described:
        graph: Span | None = None
        functions: list[Span] = []
        for number, value in self._walk.fields(self._walk.whole):
            if number == 7:
                graph = span(value)
            elif number == 8:
                self._imported.add(self._domain(span(value), 1))
            elif number == 25:
                functions.append(span(value))
            elif number == 14:
                self._metadata(span(value))
        if graph is None or not self._imported:
            raise Refused("It is no ONNX model: it has no graph, or does not say which operators it is written for.")
        self._domains = {self._domain(one, 10) for one in functions}
        for one in functions:
            self._function(one)
        self._graph(graph)
        found = Described()
        ports = {11: found.inputs, 12: found.outputs}
        for number, value in self._walk.fields(graph):
            if number in ports:
                ports[number].append(self._tensor_info(span(value)))
                if len(ports[number]) > MOST_INPUTS:
                    raise Refused(f"It has more than {MOST_INPUTS:,} inputs or outputs.")
        known = set(self._known(graph, {one.name for one in found.inputs}))
        found.inputs = [one for one in found.inputs if one.name not in known]
        found.classes = self._said or onnx_label.classes(self._walk, graph, _wide(found.outputs))
        return found

    def _known(self, graph: Span, names: set[str]) -> Iterator[str]:
        """Inputs that the file itself has values of: older exporters list those among the inputs."""
        for number, value in self._walk.fields(graph):
            if number == 5:
                for part, name in self._walk.fields(span(value)):
                    if part == 8 and self._walk.text(name) in names:
                        yield self._walk.text(name)

    def _domain(self, message: Span, place: int) -> str:
        """The domain that a message names; the usual one has two names."""
        named = next((self._walk.text(value) for number, value in self._walk.fields(message) if number == place), "")
        return "" if named == "ai.onnx" else named

    def _function(self, function: Span) -> None:
        for number, value in self._walk.fields(function):
            if number == 9:
                self._imported.add(self._domain(span(value), 1))
        for number, value in self._walk.fields(function):
            if number == 7:
                self._node(span(value))

    def _graph(self, graph: Span) -> None:
        for number, value in self._walk.fields(graph):
            if number == 1:
                self._node(span(value))
            elif number == 5:
                self._tensor(span(value))
            elif number == 15:
                self._sparse(span(value))

    def _node(self, node: Span) -> None:
        operator, domain = "", self._domain(node, 7)
        attributes: list[Span] = []
        for number, value in self._walk.fields(node):
            if number == 4:
                operator = self._walk.text(value)
            elif number == 5:
                attributes.append(span(value))
        if domain not in BUILT_IN and domain not in self._domains:
            raise Refused(
                f"It uses the operator {operator} of {domain}, which is not one of ONNX and would need code of others. "
                "Export the model with standard operators."
            )
        if domain not in self._imported:
            raise Refused(f"It uses the operator {operator}, but does not say of which version. Copy it again, whole.")
        for one in attributes:
            self._attribute(one, operator)

    def _attribute(self, attribute: Span, operator: str) -> None:
        for number, value in self._walk.fields(attribute):
            if number == 1:
                if attribute.size > _SMALL and operator not in WITH_GRAPHS:
                    return  # long lists of numbers, such as the nodes of trees
            elif number in (5, 10):
                self._tensor(span(value))
            elif number in (6, 11):
                self._graph(span(value))
            elif number in (22, 23):
                self._sparse(span(value))

    def _sparse(self, tensor: Span) -> None:
        for number, value in self._walk.fields(tensor):
            if number in (1, 2):
                self._tensor(span(value))

    def _tensor(self, tensor: Span) -> None:
        """Refuse values that lie elsewhere, and tensors that say they are larger than what they hold."""
        dimensions: list[int] = []
        kind, stored, raw, name = 0, 0, False, ""
        for number, value in self._walk.fields(tensor):
            if number == 13 or (number == 14 and whole(value) != 0):
                raise Refused(
                    "Its values lie in another file, which could be any file of this machine. "
                    "Save the model as one file: onnx.save(model, path, save_as_external_data=False)."
                )
            if number == 1:
                dimensions += self._walk.numbers(value)
            elif number == 2:
                kind = whole(value)
            elif number == 8:
                name = self._walk.text(value)
            elif number in (4, 5, 6, 7, 9, 10, 11):
                raw = raw or number == 9
                stored += value.size if isinstance(value, Span) else 1
        self._sized(name, dimensions, kind, stored, raw)

    def _sized(self, name: str, dimensions: list[int], kind: int, stored: int, raw: bool) -> None:
        if any(one < 0 for one in dimensions) or len(dimensions) > 64:
            raise Refused(f"Its tensor {name} has impossible dimensions.")
        count = prod(dimensions)
        bits = _BITS.get(kind, 8)
        declared = (count * bits + 7) // 8
        self._held += declared
        if self._held > self._most:
            raise Refused(
                f"Its tensors hold more than {self._most:,} bytes. "
                "If that is right, raise `file_bytes` under `serving:` in config.yaml."
            )
        fits = declared == stored if raw and kind != _TEXTS else count <= 2 * stored
        if not fits:
            raise Refused(
                f"Its tensor {name} says it has {count:,} values, but holds {stored:,} bytes. Export it again."
            )

    def _tensor_info(self, info: Span) -> Tensor:
        name, kind, shape = "", None, None
        for number, value in self._walk.fields(info):
            if number == 1:
                name = self._walk.text(value)
            elif number == 2:
                for part, inner in self._walk.fields(span(value)):
                    if part == 1:
                        kind, shape = self._type(span(inner))
        return Tensor(name, kind, shape)

    def _type(self, tensor: Span) -> tuple[int | None, tuple[int | None, ...] | None]:
        kind, shape = None, None
        for number, value in self._walk.fields(tensor):
            if number == 1:
                kind = whole(value)
            elif number == 2:
                shape = tuple(self._dimension(span(one)) for part, one in self._walk.fields(span(value)) if part == 1)
        return kind, shape

    def _dimension(self, dimension: Span) -> int | None:
        for number, value in self._walk.fields(dimension):
            if number == 1:
                stated = whole(value)
                return stated if stated > 0 else None
        return None

    def _metadata(self, entry: Span) -> None:
        """Classes, if the metadata name them: the key `classes`, a JSON list."""
        parts = dict(self._walk.fields(entry))
        if 1 not in parts or 2 not in parts or span(parts[1]).size > _SMALL or span(parts[2]).size > _SMALL:
            return
        if self._walk.text(parts[1]) != "classes":
            return
        try:
            said = json.loads(self._walk.text(parts[2]))
        except ValueError as error:
            raise Refused(f"`classes` in its metadata is no JSON list: {error}.") from error
        if not isinstance(said, list) or not all(isinstance(one, bool | int | float | str) for one in said):
            raise Refused('`classes` in its metadata is no JSON list of names, such as ["no", "yes"].')
        self._said = tuple(said)


def _wide(outputs: list[Tensor]) -> int | None:
    """How many classes the probabilities are of, where an output states it."""
    widths = (one.shape[1] for one in outputs if one.shape is not None and len(one.shape) == 2)
    return next((width for width in widths if width is not None and width > 1), None)
