"""Which classes an ONNX model's probabilities are of: they come as numbers alone, the names lie in the graph."""

from __future__ import annotations

from watchkeeper.model import Scalar
from watchkeeper.runtime.failure import Refused
from watchkeeper.runtime.protobuf import Span, Walk, span

MOST_CLASSES = 10_000
_LOOK_UP = "ArrayFeatureExtractor"
"""The operator that makes a label of the number of the most probable class."""


def classes(walk: Walk, graph: Span, width: int | None) -> tuple[Scalar, ...]:
    """The classes that the graph names, if it names one list of them; `width` is their number where it is stated.

    Trees, linear models and vector machines keep them in attributes called `classlabels_…`; other models look the
    label up in a list of values.
    """
    found: set[tuple[Scalar, ...]] = set()
    tables: set[str] = set()
    for number, value in walk.fields(graph):
        if number == 1:
            _node(walk, span(value), found, tables)
    if not found and tables and width is not None:
        for number, value in walk.fields(graph):
            if number == 5:
                listed = _values(walk, span(value), tables, width)
                if len(set(listed)) == width:
                    found.add(listed)
    fitting = [one for one in found if width is None or len(one) == width]
    return fitting[0] if len(fitting) == 1 else ()


def _node(walk: Walk, node: Span, found: set[tuple[Scalar, ...]], tables: set[str]) -> None:
    operator, first = "", ""
    attributes: list[Span] = []
    for number, value in walk.fields(node):
        if number == 1:
            first = first or walk.text(value)
        elif number == 4:
            operator = walk.text(value)
        elif number == 5:
            attributes.append(span(value))
    if operator == _LOOK_UP and len(tables) < MOST_CLASSES:
        tables.add(first)
    for attribute in attributes:
        labels = _labels(walk, attribute)
        if labels:
            found.add(labels)


def _labels(walk: Walk, attribute: Span) -> tuple[Scalar, ...]:
    """The values of an attribute `classlabels_…`."""
    labels: list[Scalar] = []
    for number, value in walk.fields(attribute):
        if number == 1 and not walk.text(value).startswith("classlabels_"):
            return ()
        if number in (8, 9):
            labels += [walk.text(value)] if number == 9 else walk.numbers(value)
            if len(labels) > MOST_CLASSES:
                raise Refused(f"It has more than {MOST_CLASSES:,} classes.")
    return tuple(labels)


def _values(walk: Walk, tensor: Span, names: set[str], width: int) -> tuple[Scalar, ...]:
    """The texts or whole numbers of a short tensor, if it has one of the names."""
    values: list[Scalar] = []
    named = False
    for number, value in walk.fields(tensor):
        if number == 1 and [*walk.numbers(value)] != [width]:
            return ()
        if number == 6:
            values.append(walk.text(value))
        elif number in (5, 7):
            values += walk.numbers(value)
        elif number == 8:
            named = walk.text(value) in names
        if len(values) > width:
            return ()
    return tuple(values) if named else ()
