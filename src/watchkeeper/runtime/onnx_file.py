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
from watchkeeper.runtime.onnx_port import Port, classes_of, port_of
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


@dataclass
class Described:
    """What an ONNX file says of itself."""

    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    classes: tuple[Scalar, ...] = ()
    """Of its probabilities, where its operators or its metadata name them."""


def describe(file: BinaryIO, size: int, most_bytes: int) -> Described:
    """Read what an ONNX file takes and gives. Raises `Refused` for what may not be in it."""
    return _File(file, size, most_bytes).describe()


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
                ports[number].append(port_of(self._walk, span(value)))
                if len(ports[number]) > MOST_INPUTS:
                    raise Refused(f"It has more than {MOST_INPUTS:,} inputs or outputs.")
        known = set(self._known(graph, {one.name for one in found.inputs}))
        found.inputs = [one for one in found.inputs if one.name not in known]
        found.classes = self._said or onnx_label.classes(self._walk, graph, classes_of(found.outputs))
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
