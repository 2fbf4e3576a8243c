"""Consumer: who calls a model, what it sends and what it reads, and whether a version honours that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from watchkeeper.model import WatchkeeperError, yaml_tree
from watchkeeper.model.constraint import Scalar, Strict, Type, mistake
from watchkeeper.model.mistake import ModelError, error, nearest, said, shown
from watchkeeper.model.yaml_file import text_of
from watchkeeper.release.contract.change import classes, is_within
from watchkeeper.release.contract.contract import Contract, contract_of, misfits
from watchkeeper.release.outcome import Checked, Outcome

if TYPE_CHECKING:
    from watchkeeper.state.version import Version
    from watchkeeper.watch.home import Home

MOST_EXAMPLES = 1_000
_NAME = re.compile(r"[a-z0-9-]{1,63}")


class OtherModel(WatchkeeperError):
    """A consumer's contract is about another model than the one that it is held against."""


class NoSuchConsumer(WatchkeeperError):
    """A consumer is named whose contract is not kept: the text names those that are."""


def _plain_type(stated: object) -> object:
    """`nights: integer` is short for `nights: {type: integer}`."""
    return {"type": stated} if isinstance(stated, str) else stated


class Sent(Strict):
    """A field that the consumer sends."""

    type: Type
    """What its values are."""
    nullable: bool = False
    """Whether it may send null."""


class Read(Strict):
    """An output that the consumer reads."""

    type: Type
    """What it expects the values to be."""
    allowed: list[Scalar] | None = None
    """All values that it can deal with; without it, any."""


class Consumer(Strict):
    """What one consumer of a model sends and reads, as its `contract.yaml` says."""

    consumer: str
    """Its short name: letters a-z, digits and hyphens."""
    model: str
    """The model that it calls."""
    contact: str | None = None
    """Who is to be told before it breaks."""
    sends: dict[str, Annotated[Sent, BeforeValidator(_plain_type)]]
    """The fields of every request."""
    reads: dict[str, Annotated[Read, BeforeValidator(_plain_type)]]
    """The outputs that it goes by: prediction, score."""
    examples: Annotated[list[dict[str, Any]], Field(max_length=MOST_EXAMPLES)] = Field(default_factory=list)
    """Requests of one row as it really sends them."""

    @field_validator("consumer")
    @classmethod
    def _name_is_short(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise mistake("use 1 to 63 of the letters a-z, digits and hyphens")
        return name

    @model_validator(mode="after")
    def _examples_hold_what_is_sent(self) -> Consumer:
        for place, example in enumerate(self.examples):
            unknown = next((name for name in example if name not in self.sends), None)
            if unknown is not None:
                guess = nearest(unknown, self.sends) if len(unknown) < 100 else None
                hint = f"; did you mean {shown(guess)}?" if guess else ""
                raise mistake(f"{shown(unknown)} does not stand under `sends`{hint}", "examples", place)
        return self


_FIELDS = {"": tuple(Consumer.model_fields), "sends": tuple(Sent.model_fields), "reads": tuple(Read.model_fields)}


def load_consumer(path: str | Path) -> Consumer:
    """Read a consumer's contract. Raises `ModelError` with every mistake in it: its line, its field, and the fix."""
    return parse_consumer(text_of(Path(path)), str(path))


def parse_consumer(text: str, source: str) -> Consumer:
    """Read a consumer's contract from YAML text; `source` names it in errors."""
    document = yaml_tree.read(text, source)
    if not isinstance(document.data, dict):
        raise ModelError(f"{source} holds no consumer's contract. Known are {', '.join(Consumer.model_fields)}.")
    mistakes = list(document.mistakes)
    try:
        consumer = Consumer.model_validate(document.data)
    except ValidationError as invalid:
        mistakes += said(invalid, document.data, _FIELDS, "a consumer's contract")
    else:
        if not mistakes:
            return consumer
    raise error(mistakes, source, document.lines)


@dataclass(frozen=True)
class Breach:
    """What a version does not honour of a consumer's contract."""

    consumer: str
    field: str
    sentence: str


def breaches(contract: Contract, consumer: Consumer) -> tuple[Breach, ...]:
    """What a version does not honour; empty if all is well. Raises `OtherModel`."""
    if consumer.model != contract.model:
        raise OtherModel(
            f"the contract of {consumer.consumer} is about {shown(consumer.model)}, and not about {contract.model}."
        )
    found = dict([*_sent(contract, consumer), *_read(contract, consumer)])
    for place, example in enumerate(consumer.examples):
        for misfit in misfits(contract, example):
            found.setdefault(misfit.field, f"example {place + 1}: {misfit.sentence}")
    return tuple(Breach(consumer.consumer, field, sentence) for field, sentence in found.items())


def keep(home: Home, path: str | Path, *, now: int, who: str) -> Consumer:
    """Keep a consumer's contract in the state: from now on the gate holds each version against it.

    Raises `ModelError`, `NoSuchModel`.
    """
    from watchkeeper.state import consumer as kept

    text = text_of(Path(path))
    consumer = parse_consumer(text, str(path))
    home.model(consumer.model)
    kept.put(home.store, consumer.model, consumer.consumer, text, now, who)
    return consumer


def withdraw(home: Home, model: str, consumer: str, *, now: int, who: str) -> None:
    """Forget a consumer's contract, since it calls no more. Raises `NoSuchModel`, `NoSuchConsumer`."""
    from watchkeeper.state import consumer as kept

    home.model(model)
    known = [one.name for one in kept.listing(home.store, model)]
    if consumer not in known:
        names = ", ".join(known) or "none"
        raise NoSuchConsumer(f"{model} has no consumer {shown(consumer)}. Kept are the contracts of: {names}.")
    kept.put(home.store, model, consumer, None, now, who)


def consumers(home: Home, model: str) -> list[Consumer]:
    """All consumers of a model whose contracts are kept, by name. Raises `NoSuchModel`."""
    from watchkeeper.state import consumer as kept

    home.model(model)
    return [parse_consumer(one.yaml, f"the contract of {one.name}") for one in kept.listing(home.store, model)]


def contract_checks(home: Home, version: Version) -> tuple[Checked, ...]:
    """One check for each consumer of the model whose contract is kept: FAIL where the version would break it."""
    contract = contract_of(home, version)
    return tuple(_checked(version, one, breaches(contract, one)) for one in consumers(home, version.model))


def broken(home: Home, version: Version) -> str | None:
    """Whom the version would break, and what to do; None if nobody. The gate may have judged before they came."""
    failed = [check for check in contract_checks(home, version) if check.outcome is Outcome.FAIL]
    return "; ".join(f"{check.sentence}: {check.remedy}" for check in failed) or None


def _checked(version: Version, consumer: Consumer, found: tuple[Breach, ...]) -> Checked:
    facts = {"consumer": consumer.consumer, "breaches": [{"field": b.field, "sentence": b.sentence} for b in found]}
    if not found:
        honoured = f"{version.version} honours the contract of {consumer.consumer}"
        return Checked("consumer_contract", Outcome.PASS, honoured, facts=facts)
    more = f", and {len(found) - 3:,} more" if len(found) > 3 else ""
    told = "; ".join(breach.sentence for breach in found[:3])
    contact = f" (contact: {shown(consumer.contact)})" if consumer.contact else ""
    return Checked(
        "consumer_contract",
        Outcome.FAIL,
        f"{version.version} breaks {consumer.consumer}: {told}{more}",
        f"agree on another contract with {consumer.consumer}{contact} and keep it, or train without the change",
        facts,
    )


def _sent(contract: Contract, consumer: Consumer) -> Iterator[tuple[str, str]]:
    for name, sent in consumer.sends.items():
        rule = contract.rules.get(name)
        if rule is None:
            yield name, f"it sends {shown(name)}, which is no field of {contract.model}"
        elif not is_within(sent.type, rule.field.type):
            yield name, f"it sends {shown(name)} as {sent.type}, and {rule.field.type} is taken"
        elif sent.nullable and not rule.field.nullable:
            yield name, f"it may send {shown(name)} as null, which is refused"
    for field in contract.takes:
        if field.name not in consumer.sends:
            yield field.name, f"it does not send {shown(field.name)} ({field.type}), which {contract.version} takes"


def _read(contract: Contract, consumer: Consumer) -> Iterator[tuple[str, str]]:
    given = {field.name: field for field in contract.gives}
    for name, read in consumer.reads.items():
        field = given.get(name)
        if field is None:
            yield name, f"it reads {shown(name)}, which {contract.version} does not give"
        elif not is_within(field.type, read.type):
            yield name, f"it reads {shown(name)} as {read.type}, and {contract.version} gives {field.type}"
        elif read.allowed is not None:
            known = classes(field.column)
            other = None if known is None else sorted(map(shown, known - frozenset(read.allowed)))
            if other is None or other:
                values = "any value" if other is None else f"also {', '.join(other[:6])}"
                yield name, f"it can't deal with all that {shown(name)} may be: {contract.version} gives {values}"
