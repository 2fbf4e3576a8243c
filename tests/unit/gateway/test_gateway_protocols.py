"""Requests of both protocols become columns; what is broken is refused by name and never guessed."""

from __future__ import annotations

import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest

from watchkeeper.gateway import invocation, oip
from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.rows import Reply
from watchkeeper.model import Model

MODEL = Model.model_validate(
    {
        "name": "m",
        "task": "binary",
        "positive": "yes",
        "columns": {
            "a": {"type": "number"},
            "b": {"type": "integer"},
            "c": {"type": "string", "missing": ["", "NA"]},
            "d": {"type": "boolean"},
        },
    }
)
CONTRACT = Contract(MODEL)


def columns(inputs, head=None, binary=b"", takes=("a", "b"), **more):
    text = json.dumps({"inputs": inputs, **more}).encode()
    head = len(text) if head is None and binary else head
    body = text + binary
    request = oip.decoded(body, head)
    return oip.columns(request, body, head, CONTRACT, takes, 1_000)


def tensor(name="a", shape=(2,), datatype="FP64", data=(1.0, 2.0), **more):
    told = {"name": name, "shape": list(shape), "datatype": datatype, **more}
    return told if data is None else {**told, "data": list(data)}


def test_nested_and_flat_data_are_the_same():
    for shape, data in (((2,), (1.0, 2.0)), ((2, 1), (1.0, 2.0)), ((2, 1), ([1.0], [2.0]))):
        assert columns([tensor(shape=shape, data=data)]) == ({"a": [1.0, 2.0]}, 2)


def test_a_matrix_is_cut_into_columns_in_the_models_order():
    sent = tensor("input", (2, 2), data=(1, 2, 3, 4))
    assert columns([sent], takes=("b", "a")) == ({"b": [1, 3], "a": [2, 4]}, 2)
    floats = tensor("input", (1, 2), "FP32", data=(0.5, 1))
    assert columns([floats], takes=("a", "d"))[0] == {"a": [0.5], "d": [True]}


def test_binary_tensors_are_cut_from_the_body_in_their_order():
    texts = b"".join(struct.pack("<I", len(t)) + t for t in ("é".encode(), b""))
    binary = np.array([1.5, 2.5], "<f4").tobytes() + texts + b"\x01\x00"
    found, number = columns(
        [
            tensor("a", datatype="FP32", data=None, parameters={"binary_data_size": 8}),
            tensor("c", datatype="BYTES", data=None, parameters={"binary_data_size": len(texts)}),
            tensor("d", datatype="BOOL", data=None, parameters={"binary_data_size": 2}),
            tensor("b", datatype="INT64", data=(7, 8)),
        ],
        binary=binary,
    )
    assert number == 2
    assert np.asarray(found["a"]).tolist() == [1.5, 2.5]
    assert (found["c"], found["d"], found["b"]) == (["é", ""], [True, False], [7, 8])


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (tensor(shape=(3,)), "'a' has the shape [3], which makes 3 values, but 2 are there"),
        (tensor(shape=(-2,)), "no side can be below 0"),
        (tensor(shape=(2, 2), data=(1, 2, 3, 4)), "[2] or [2, 1] is taken"),
        (tensor(shape=()), "has the shape [], which makes 1 values"),
        (tensor(shape=(1, 2, 1)), "[rows] or [rows, 1] is taken"),
        (tensor(shape=[1] + [10**17] * 49_999), "a shape of 50,000 sides"),
        (tensor(shape=(1, 10**4000)), "beyond 64 bits"),
        (tensor(datatype="FLOAT"), "'a' has the datatype 'FLOAT'; known are BOOL"),
        (tensor(datatype="INT64", data=(1, 2.5)), "has the datatype INT64, but holds a float"),
        (tensor(datatype="UINT8", data=(1, 256)), "holds a number beyond UINT8"),
        (tensor(datatype="FP64", data=(1, "2")), "has the datatype FP64, but holds a str"),
        (tensor(data=([1.0], 2.0)), "lists and values side by side"),
        (tensor(data=None), "has neither `data` nor `binary_data_size`"),
        (tensor(shape=(0,), data=()), "The request holds no row"),
        (tensor("input", (1, 3), data=(1, 2, 3)), "the model takes 2 columns: a, b"),
        (tensor(data=None, parameters={"binary_data_size": 99}), "0 bytes are left in the body"),
        (tensor(data=None, parameters={"binary_data_size": -1}), "0 bytes are left in the body"),
        (tensor(data=None, parameters={"binary_data_size": "8"}), "0 bytes are left in the body"),
    ],
)
def test_a_tensor_that_is_wrong_is_named(sent, words):
    with pytest.raises(Refusal) as refused:
        columns([sent])
    assert words in str(refused.value)
    assert refused.value.status == 400


def test_inputs_that_do_not_fit_together_are_refused():
    with pytest.raises(Refusal, match="'b' has 1 rows, and the input before it 2"):
        columns([tensor(), tensor("b", (1,), "INT64", (1,))])
    with pytest.raises(Refusal, match="a second time"):
        columns([tensor(), tensor()])
    with pytest.raises(Refusal, match="4 bytes more than its inputs have"):
        columns([tensor()], binary=b"1234")
    for head in (0, 10_000):
        with pytest.raises(Refusal, match="Inference-Header-Content-Length"):
            oip.decoded(b"{}", head)
    for body in (b"", b"[]", b"{", b'{"inputs": 1}', b"\xff\xfe", b'{"inputs":' + b"[" * 100_000):
        with pytest.raises(Refusal):
            oip.decoded(body, None)


def test_an_output_is_given_once():
    oip.check_outputs(oip.decoded(b'{"inputs": [], "outputs": [{"name": "score"}, {"name": "prediction"}]}', None))
    with pytest.raises(Refusal, match="score is asked for twice"):
        oip.check_outputs(oip.decoded(b'{"inputs": [], "outputs": [{"name": "score"}, {"name": "score"}]}', None))


def answer(reply, number=2, **asked):
    body = json.dumps({"inputs": [], **asked}).encode()
    return oip.answered(oip.decoded(body, None), "m", "v1", reply, number, CONTRACT, None)


REPLY = Reply(["yes", "no"], [0.25, 0.75, 0.9, 0.1], ["no", "yes"])


def test_the_score_is_the_positive_classs():
    told = json.loads(answer(REPLY, id="q")[0])
    assert told["id"] == "q"
    assert [(one["name"], one["datatype"], one["data"]) for one in told["outputs"]] == [
        ("prediction", "BYTES", ["yes", "no"]),
        ("score", "FP64", [0.75, 0.1]),
    ]


def test_outputs_are_given_by_name_and_in_binary():
    body, head = answer(REPLY, outputs=[{"name": "score", "parameters": {"binary_data": True}}])
    told = json.loads(body[:head])
    assert told["outputs"][0]["parameters"] == {"binary_data_size": 16}
    assert np.frombuffer(body[head:], "<f8").tolist() == [0.75, 0.1]
    body, head = answer(REPLY, parameters={"binary_data_output": True})
    assert body[head:].startswith(b"\x03\x00\x00\x00yes\x02\x00\x00\x00no")
    with pytest.raises(Refusal, match="There is no output 'scores'"):
        answer(REPLY, outputs=[{"name": "scores"}])


def test_more_than_two_classes_are_given_side_by_side():
    told = json.loads(answer(Reply([2], [0.2, 0.3, 0.5], [0, 1, 2]), 1)[0])
    scores = told["outputs"][1]
    assert (scores["name"], scores["shape"], scores["data"]) == ("scores", [1, 3], [0.2, 0.3, 0.5])
    assert json.loads(scores["parameters"]["classes"]) == ["0", "1", "2"]


def invoked(body, kind="application/json"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return invocation.columns(body, kind, CONTRACT, ("a", "b"), 1_000)


def test_every_form_of_an_invocation_gives_columns():
    wanted = ({"a": [1.5, 2.5], "b": [1, 2]}, 2)
    assert (
        invoked({"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 1], [2.5, 2]], "index": [0, 1]}}) == wanted
    )
    assert invoked({"dataframe_records": [{"a": 1.5, "b": 1}, {"b": 2, "a": 2.5}]}) == wanted
    assert invoked({"inputs": {"a": [1.5, 2.5], "b": [[1], [2]]}}) == wanted
    assert invoked({"inputs": [[1.5, 1], [2.5, 2]]}) == wanted
    assert invoked({"instances": [[1.5, 1], [2.5, 2]]}) == wanted
    assert invoked(b"a,b\r\n1.5,1\r\n2.5,2\r\n", "text/csv; charset=utf-8") == wanted
    assert invoked(b'c,d\n"x,y",True\nNA,false\n', "text/csv") == ({"c": ["x,y", None], "d": [True, False]}, 2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "exactly one of"),
        ({"inputs": [1], "instances": [1]}, "inputs and instances is sent"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "Row 0 has 2 values, and there are 1 columns"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "the same name"),
        ({"dataframe_records": []}, "no row"),
        ({"dataframe_records": [{f"n{at}": 1} for at in range(100)]}, "Hardly any of the 100 rows"),
        ({"instances": [{}] * 100 + [{f"n{at}": 1 for at in range(99)}]}, "Hardly any of the 101 rows"),
        ({"inputs": {"a": [1], "b": [1, 2]}}, "All columns have one length"),
        ({"inputs": {}}, "none is sent"),
        ({"inputs": "x"}, "an object of columns, or a list of rows"),
        ({"instances": [[1, 2], 3]}, "Row 0 has 1 values|no list|columns"),
        ({"inputs": [[1, 2]], "params": {"t": 1}}, "`params` are not taken"),
    ],
)
def test_an_invocation_that_is_wrong_is_refused(body, words):
    with pytest.raises(Refusal, match=words) as refused:
        invoked(body)
    told = json.loads(invocation.refused(refused.value))
    assert told["error"] == told["message"]
    assert told["error_code"] == "BAD_REQUEST"


def test_other_types_of_bodies_are_refused():
    with pytest.raises(Refusal, match="text/csv") as refused:
        invoked(b"", "application/xml")
    assert refused.value.status == 415
    for body in (b"\xff", b'a,b\n"1', b"a,b\n1\n", b""):
        with pytest.raises(Refusal):
            invoked(body, "text/csv")


def test_too_many_rows_are_refused_before_columns_are_made_of_them():
    """Each body is wrong in another way too, which would be told once its values are looked at."""
    rows = [[1.5, 1]] * 1_000 + [[1.5]]
    for body, kind in (
        ({"dataframe_split": {"columns": ["a", "b"], "data": rows}}, "application/json"),
        ({"dataframe_records": [{"a": 1.5}] * 1_000 + [{f"n{at}": 1 for at in range(9_000)}]}, "application/json"),
        ({"inputs": {"a": [1.5] * 1_001, "b": [1]}}, "application/json"),
        ({"inputs": rows}, "application/json"),
        ({"instances": rows}, "application/json"),
        (b"a,b\n" + b"1.5,1\n" * 1_001 + b'"', "text/csv"),
    ):
        with pytest.raises(Refusal, match="more than 1,000 rows") as refused:
            invoked(body, kind)
        assert refused.value.status == 413
    with pytest.raises(Refusal, match="more than 1,000 rows"):
        columns([tensor(shape=(1_001,), data=("x",))])
    assert columns([tensor(shape=(1_000,), data=(1.5,) * 1_000)])[1] == 1_000
    assert invoked(b"a,b\n" + b"1.5,1\n" * 1_000, "text/csv")[1] == 1_000


KINDS = {
    "integer": ("INT64", [[1, 0], [True, False], [1.0, 0.0], np.array([1, 0], np.int32)]),
    "number": ("FP64", [[1.5, 0.0], [1, 0], [True, False], np.array([1.5, 0.0], np.float32)]),
    "boolean": ("BOOL", [[True, False], [1, 0], [1.0, 0.0], np.array([1, 0]), np.array([True, False])]),
    "string": ("BYTES", [["yes", "no"], [1, 0], [True, False], [1.5, 0.0]]),
    "timestamp": (None, [["2026-01-01", "2026-01-02"], [86_400, 0], [0.5, 1.5]]),
    "other": (None, [["yes", "no"], [1, 0], [1.5, 0.0], [True, False]]),
    None: (None, [["yes", "no"], [1, 0], [1.5, 0.0], [True, False]]),
}


def labelled(kind, task, role):
    columns = {"a": {"type": "number"}, "key": {"type": "string", "role": "id"}}
    columns |= {} if kind is None else {"y": {"type": kind, "role": role}}
    told = {"name": "m", "columns": columns} | ({} if task is None else {"task": task})
    return Contract(Model.model_validate(told))


def version(first):
    return SimpleNamespace(inputs=("a",), first=first)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "ranking", None])
@pytest.mark.parametrize("role", ["label", "prediction"])
@pytest.mark.parametrize(
    ("kind", "values"), [(kind, values) for kind, (_, known) in KINDS.items() for values in known], ids=str
)
def test_metadata_tells_what_is_answered_whatever_the_label_is(kind, values, role, task):
    contract = labelled(kind, task, role)
    classes = [0, 1, 2] if task == "multiclass" else [0, 1]
    scores = [0.5] * 2 * len(classes) if task in ("binary", "multiclass") else None
    reply = Reply(values, scores, classes)
    plain, packed = (
        oip.answered(oip.decoded(asked, None), "m", "v1", reply, 2, contract, None)
        for asked in (b'{"inputs": []}', b'{"inputs": [], "parameters": {"binary_data_output": true}}')
    )
    plain, packed = json.loads(plain[0]), json.loads(packed[0][: packed[1]])
    told = oip.metadata(contract, version(reply.first()), ["v1"], "x")["outputs"]
    for given in (plain, packed):
        assert [(one["name"], one["datatype"], len(one["shape"])) for one in told] == [
            (one["name"], one["datatype"], len(one["shape"])) for one in given["outputs"]
        ]
    datatype = "FP64" if task in ("regression", "ranking") else KINDS[kind][0]
    numeric = not any(isinstance(value, str) for value in values)
    if datatype is not None and (numeric or datatype == "BYTES"):
        assert plain["outputs"][0]["datatype"] == datatype
        assert oip.metadata(contract, version(None), ["v1"], "x")["outputs"][0]["datatype"] == datatype
    as_json = {"BYTES": {str}, "BOOL": {bool}, "INT64": {int}, "FP64": {float}}[plain["outputs"][0]["datatype"]]
    assert {*map(type, plain["outputs"][0]["data"])} <= as_json


def test_an_answer_that_is_not_what_was_declared_is_told_as_it_is():
    contract = labelled("boolean", None, "label")
    request = oip.decoded(b'{"inputs": []}', None)
    [told] = json.loads(oip.answered(request, "m", "v1", Reply([7, 1], None, ()), 2, contract, None)[0])["outputs"]
    assert (told["datatype"], told["data"]) == ("INT64", [7, 1])
    [told] = json.loads(oip.answered(request, "m", "v1", Reply(["no"], None, ()), 1, contract, None)[0])["outputs"]
    assert (told["datatype"], told["data"]) == ("BYTES", ["no"])
