"""Whatever is sent: it is taken or refused with a 4xx, and binary tensors come through as they are."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.gateway import invocation, oip
from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.tensor import DATATYPES, NUMBERS, Tensor, as_bytes, encoded, values_of
from watchkeeper.model import Model, Type
from watchkeeper.runtime import channel

KINDS = ("number", "integer", "boolean", "string", "timestamp", "other")
MODEL = Model.model_validate({"name": "m", "columns": {name: {"type": name} for name in KINDS}})
CONTRACT = Contract(MODEL)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(scalars, lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=6), part))
names = st.sampled_from([*KINDS, "input", "else"])
tensors = st.fixed_dictionaries(
    {"name": names, "shape": st.lists(st.integers(-1, 4), max_size=3), "datatype": st.sampled_from([*DATATYPES, "X"])},
    optional={
        "data": st.lists(scalars | st.lists(scalars, max_size=2), max_size=5),
        "parameters": st.dictionaries(st.just("binary_data_size"), st.integers(-2, 20) | st.text(max_size=2)),
    },
)


def is_told(refusal):
    assert 400 <= refusal.status < 500
    assert json.loads(refusal.body)["error"]


@given(st.lists(tensors, max_size=3) | anything, st.binary(max_size=20), st.booleans())
def test_an_inference_request_is_taken_or_refused(inputs, binary, with_head):
    text = json.dumps({"inputs": inputs}).encode()
    body, head = (text + binary, len(text)) if with_head else (text, None)
    try:
        request = oip.decoded(body, head)
        sent, number = oip.columns(request, body, head, CONTRACT, ("number",), 100)
        rows = CONTRACT.rows(sent, number, ("number",))
    except Refusal as refusal:
        is_told(refusal)
        return
    assert all(len(values) == number for values in rows.columns.values())
    channel.request(list(rows.columns.values()), number)  # what the model's process is sent


@given(st.dictionaries(st.sampled_from(invocation.FORMS), anything, max_size=2) | anything)
def test_an_invocation_is_taken_or_refused(sent):
    try:
        found, number = invocation.columns(json.dumps(sent).encode(), "application/json", CONTRACT, ("number",), 100)
        rows = CONTRACT.rows(found, number, ("number",))
    except Refusal as refusal:
        is_told(refusal)
        return
    channel.request(list(rows.columns.values()), number)


@given(st.binary(max_size=200), st.sampled_from(["text/csv", "application/json"]))
def test_bytes_are_taken_or_refused(body, kind):
    try:
        found, number = invocation.columns(body, kind, CONTRACT, ("number",), 100)
        CONTRACT.rows(found, number, ("number",))
    except Refusal as refusal:
        is_told(refusal)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=5) | st.lists(st.floats(allow_nan=False), min_size=1))
def test_values_come_back_from_binary_as_they_went(values):
    output = encoded("x", values, [len(values)], Type.OTHER)
    tensor = Tensor("x", output.shape, output.datatype)
    assert list(values_of(tensor, memoryview(as_bytes(output)))) == values


@given(st.sampled_from(sorted(NUMBERS)), st.binary(max_size=64))
def test_binary_numbers_are_read_as_numpy_reads_them(datatype, content):
    kind = NUMBERS[datatype]
    content = content[: len(content) // kind.itemsize * kind.itemsize]
    tensor = Tensor("x", [len(content) // kind.itemsize], datatype)
    found = np.asarray(values_of(tensor, memoryview(content)))
    np.testing.assert_array_equal(
        found.astype(kind),
        np.frombuffer(content, kind).astype(bool).astype(kind) if datatype == "BOOL" else np.frombuffer(content, kind),
    )
