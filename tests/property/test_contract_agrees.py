"""What fits a contract fits its JSON Schema, and the other way round: one value or a column, at first sight or not."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from watchkeeper.gateway.contract import Contract as Held
from watchkeeper.gateway.refusal import Broken
from watchkeeper.model import Column, Model, Type
from watchkeeper.release.contract.contract import Contract, misfits
from watchkeeper.release.contract.field import Field, Rule, as_list
from watchkeeper.release.contract.schema import input_schema, read, schema

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.integers(-3, 3),
    st.floats(-10, 10),
    st.sampled_from([0.0, 1.0, 2.0, "a", "b", "", "aa", "DE"]),
    st.text(max_size=4),
)


@st.composite
def columns(draw):
    kind = draw(st.sampled_from([Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.STRING, Type.OTHER]))
    stated = {"type": kind, "nullable": draw(st.sampled_from([None, True, False]))}
    if kind in (Type.INTEGER, Type.NUMBER) and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.integers(-5, 5), st.integers(-5, 5))))
        stated |= draw(st.sampled_from([{"minimum": low}, {"maximum": high}, {"minimum": low, "maximum": high}]))
    if kind is Type.INTEGER and draw(st.booleans()):
        stated = {"type": kind, "nullable": stated["nullable"], "allowed": [1, 2, 3]}
    if kind is Type.STRING and draw(st.booleans()):
        stated |= draw(
            st.sampled_from(
                [{"allowed": ["a", "DE"]}, {"min_length": 1}, {"max_length": 2}, {"pattern": "[a-z]+", "max_length": 3}]
            )
        )
    return Column(**stated)


def only(column):
    return Contract("m", "v1", (Field("x", column),), (), ())


@given(columns(), VALUES)
def test_a_value_fits_the_contract_if_and_only_if_it_fits_the_schema(column, value):
    assume(not (isinstance(value, str) and any("\ud800" <= letter <= "\udfff" or letter == "\n" for letter in value)))
    contract = only(column)
    by_schema = jsonschema.Draft202012Validator(input_schema(contract)).is_valid({"x": value})
    assert (misfits(contract, {"x": value}) == []) is by_schema


@given(columns(), st.lists(VALUES, max_size=40))
def test_what_is_right_at_first_sight_is_right_when_looked_at_closely(column, values):
    field = Field("x", column)
    many = np.empty(len(values), object)
    many[:] = values
    closely = field.first_fault(values) is None
    assert not Rule(field).fits(many) or closely
    assert (misfits(only(column), {"x": many}) == []) is closely
    assert (misfits(only(column), {"x": values}) == []) is closely


@given(
    columns(),
    st.lists(st.one_of(st.integers(-6, 6), st.floats(-6, 6), st.just(float("nan"))), max_size=40),
    st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u1", "u8", "?"]),
)
def test_an_array_fits_as_its_values_do(column, values, kind):
    is_float = kind.startswith("f")
    assume(is_float or not any(value != value for value in values))
    array = np.array([value if is_float else int(value) for value in values]).astype(kind)
    field = Field("x", column)
    closely = field.first_fault(as_list(array)) is None
    assert not Rule(field).fits(array) or closely
    assert (misfits(only(column), {"x": array}) == []) is closely


@given(columns(), st.text(min_size=1, max_size=6))
def test_a_contract_comes_back_from_its_schema(column, name):
    assume(not any("\ud800" <= letter <= "\udfff" for letter in name))
    contract = Contract("m", "v1", (Field(name, column),), (), (Field("prediction", Column(type=Type.NUMBER)),))
    again = read(json.loads(json.dumps(schema(contract))), "contract.json")
    assert (again.takes, again.gives) == (contract.takes, contract.gives)


TIMES = st.builds(
    Column,
    type=st.just(Type.TIMESTAMP),
    format=st.sampled_from([None, "epoch_s", "epoch_ms", "%d-%m-%Y"]),
    nullable=st.sampled_from([None, False]),
    minimum=st.sampled_from([None, datetime(1970, 1, 2, tzinfo=UTC)]),
)
MOMENTS = st.sampled_from(
    ["2026-01-01", "1969-12-31T23:00:00Z", "31-12-2025", "0", "86400", "gestern", 86_399, 1e10, 1e300]
)


@given(
    st.one_of(columns(), TIMES),
    st.lists(st.one_of(VALUES, MOMENTS), min_size=1, max_size=20),
    st.sampled_from(["x", "x", "y"]),
)
def test_the_gateway_refuses_what_does_not_fit_and_nothing_else(column, values, name):
    held = Held(Model(name="m", columns={"x": column}))
    try:
        held.rows({name: list(values)}, len(values), ["x"])
        refused = False
    except Broken:
        refused = True
    assert refused is (misfits(only(column), {name: values}) != [])
