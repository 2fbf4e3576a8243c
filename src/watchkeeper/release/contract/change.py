"""What differs between two contracts of a model, and which of it breaks those who call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from watchkeeper.model.constraint import Type
from watchkeeper.model.declaration import Column
from watchkeeper.model.mistake import shown
from watchkeeper.release.contract.contract import Contract
from watchkeeper.release.contract.field import Field


class Side(StrEnum):
    """Where a field stands."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True)
class Change:
    """One difference."""

    side: Side
    field: str
    breaking: bool
    """Whether a request that was right may be refused, or an answer may be what nobody expects."""
    sentence: str


def changes(before: Contract, after: Contract) -> tuple[Change, ...]:
    """All differences: of inputs first, what breaks first."""
    found = [*_inputs(before, after), *_outputs(before, after)]
    return tuple(sorted(found, key=lambda change: (change.side is Side.OUTPUT, not change.breaking)))


def is_within(narrow: Type, wide: Type) -> bool:
    """Whether each value of one type is one of the other."""
    return narrow is wide or wide is Type.OTHER or (narrow, wide) in _WITHIN


_WITHIN = {(Type.INTEGER, Type.NUMBER), (Type.TIMESTAMP, Type.STRING)}


def classes(column: Column) -> frozenset[Any] | None:
    """All values that a column may have; None where there is no end of them."""
    if column.allowed is not None:
        return frozenset(column.allowed)
    return frozenset({True, False}) if column.type is Type.BOOLEAN else None


def _inputs(before: Contract, after: Contract) -> Iterator[Change]:
    def told(name: str, breaking: bool, sentence: str) -> Change:
        return Change(Side.INPUT, name, breaking, f"{shown(name)} {sentence}")

    for name, rule in before.rules.items():
        new = after.rules.get(name)
        if new is None:
            yield told(name, True, "is gone, and refused if it is sent")
        elif name in before.required and name not in after.required:
            yield told(name, False, "need not be sent any more")
        if new is not None:
            yield from (told(name, breaks, sentence) for breaks, sentence in _narrowed(rule.field, new.field))
    for name, rule in after.rules.items():
        if name in after.required and name not in before.required:
            yield told(name, True, f"({rule.field.type}) must be sent now")
        elif name not in before.rules:
            yield told(name, False, f"({rule.field.type}) may be sent now")


def _narrowed(old: Field, new: Field) -> Iterator[tuple[bool, str]]:
    """How the values differ that are taken, and whether some were right that are not so now."""
    if old.type is not new.type or old.column.format != new.column.format:
        breaks = not is_within(old.type, new.type) or (old.type is new.type and new.type is Type.TIMESTAMP)
        yield breaks, f"was {_spoken(old)} and is {_spoken(new)}"
        return
    if old.nullable is not new.nullable:
        yield old.nullable, "must not be missing now" if old.nullable else "may be missing now"
    for name, more in (("minimum", True), ("maximum", False), ("min_length", True), ("max_length", False)):
        was, now = getattr(old.column, name), getattr(new.column, name)
        if was != now:
            breaks = now is not None and (was is None or (now > was if more else now < was))
            yield breaks, f"had the {name} {was} and has {now}"
    if old.column.pattern != new.column.pattern:
        yield new.column.pattern is not None, "has another pattern"
    was_allowed, now_allowed = classes(old.column), classes(new.column)
    if was_allowed != now_allowed:
        lost = now_allowed is not None and (was_allowed is None or not was_allowed <= now_allowed)
        yield lost, f"allows {_listed(now_allowed)} instead of {_listed(was_allowed)}"


def _outputs(before: Contract, after: Contract) -> Iterator[Change]:
    old, new = ({field.name: field for field in contract.gives} for contract in (before, after))
    for name, field in old.items():
        now = new.get(name)
        if now is None:
            yield Change(Side.OUTPUT, name, True, f"{shown(name)} is not given any more")
        elif field.type is not now.type:
            breaks = not is_within(now.type, field.type)
            yield Change(Side.OUTPUT, name, breaks, f"{shown(name)} was {_spoken(field)} and is {_spoken(now)}")
        elif (was := classes(field.column)) != (has := classes(now.column)):
            breaks = was is not None and (has is None or not has <= was)
            yield Change(Side.OUTPUT, name, breaks, f"{shown(name)} is one of {_listed(has)} instead of {_listed(was)}")
    for name in new.keys() - old.keys():
        yield Change(Side.OUTPUT, name, False, f"{shown(name)} is given now")


def _spoken(field: Field) -> str:
    written = f" written as {shown(field.column.format)}" if field.column.format else ""
    return f"{field.type}{written}"


def _listed(values: frozenset[Any] | None) -> str:
    if values is None:
        return "any value"
    ordered = sorted(values, key=str)
    return ", ".join(map(shown, ordered[:6])) + (", …" if len(ordered) > 6 else "")
