"""Newcomers: columns that a model was not declared with when a window began, so that it is no fault that none came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watchkeeper.budget import Finding
from watchkeeper.model import Model
from watchkeeper.model.yaml_file import parse
from watchkeeper.profiles.slice import iso
from watchkeeper.state import Store
from watchkeeper.state import model as models
from watchkeeper.state.window import Span


def without_newcomers(store: Store, model: Model, spans: Iterable[Span], found: Sequence[Finding]) -> list[Finding]:
    """The findings, but for those that a column is missing which was declared after its window had begun.

    Once the window had ended, that is no fault where there is no value at all: values may also have come later, with
    the history of the column.
    """
    newest = models.get(store, model.name)
    parsed: dict[int, frozenset[str]] = {}
    absent: dict[str, frozenset[str]] = {}
    during: set[str] = set()
    for start, end in spans:
        then = models.standing(store, model.name, start)
        if newest is None or then is None or then.revision == newest.revision:
            continue
        if then.revision not in parsed:
            parsed[then.revision] = frozenset(model.columns) - frozenset(parse(then.yaml).columns)
        label = f"{iso(start)}/{iso(end)}"
        absent[label] = parsed[then.revision]
        if newest.at < end:
            during.add(label)

    def is_new(one: Finding) -> bool:
        whole = one.value == 1.0 or one.window in during
        mine = absent.get(one.window or "", frozenset())
        return one.metric == "null_share" and whole and not mine.isdisjoint(one.columns)

    return [one for one in found if not is_new(one)]
