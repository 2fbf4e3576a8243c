"""The Open Inference Protocol, version 2, over REST: a request's tensors become columns, and a reply its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.refusal import Refusal, TooManyRows
from watchkeeper.gateway.rows import Reply, Values, listed, score_of
from watchkeeper.gateway.tensor import DATATYPE_OF, Output, Tensor, as_bytes, encoded, values_of, wrong
from watchkeeper.gateway.version import Version
from watchkeeper.model import Task
from watchkeeper.model.mistake import no_such

MATRIX = "input"
"""What a tensor is called that holds all columns side by side."""
OUTPUTS = ("prediction", "score", "scores")


class Wanted(Struct, gc=False):
    """An output that a request asks for."""

    name: str
    parameters: dict[str, Any] | None = None


class Request(Struct, gc=False):
    """What is sent to `infer`."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Wanted] | None = None


class Answer(Struct, omit_defaults=True, gc=False):
    """What `infer` answers."""

    model_name: str
    model_version: str
    outputs: list[Output]
    id: str | None = None
    parameters: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode


def decoded(body: bytes | bytearray, head: int | None) -> Request:
    """The request; `head`: the bytes of its JSON, where binary data come after them. Raises a `Refusal`."""
    if head is not None and not 0 < head <= len(body):
        raise Refusal(
            400, "malformed", f"Inference-Header-Content-Length is {head:,} for a body of {len(body):,} bytes."
        )
    try:
        return _decode(body if head is None else memoryview(body)[:head])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "malformed", f"The body is no inference request: {error}.") from None
    except RecursionError:
        raise Refusal(400, "malformed", "The body is nested too deeply.") from None


def columns(
    request: Request, body: bytes | bytearray, head: int | None, contract: Contract, inputs: Sequence[str], most: int
) -> tuple[dict[str, Values], int]:
    """The values of each column that was sent, and how many rows they make: `most` at most.

    Raises a `Refusal` that names a tensor.
    """
    found: dict[str, Values] = {}
    number = -1
    if any(tensor.shape and tensor.shape[0] > most for tensor in request.inputs):
        raise TooManyRows(most)
    for tensor, values in _tensors(request, body, head):
        shape = tensor.shape
        if not shape:
            raise wrong(tensor, "has the shape []; [rows] or [rows, 1] is taken")
        if number not in (-1, shape[0]):
            raise wrong(tensor, f"has {shape[0]:,} rows, and the input before it {number:,}")
        number = shape[0]
        if tensor.name == MATRIX and contract.column(MATRIX) is None:
            parts = _parted(tensor, values, contract, inputs)
        elif len(shape) == 2 and shape[1] != 1:
            raise wrong(tensor, f"has the shape {shape}; [{number}] or [{number}, 1] is taken")
        else:
            parts = {tensor.name: values}
        if found and not found.keys().isdisjoint(parts):
            raise wrong(tensor, "gives a column a second time")
        found.update(parts)
    if number < 1:
        raise Refusal(400, "tensor", "The request holds no row.")
    return found, number


def answered(
    request: Request, model: str, version: str, reply: Reply, number: int, contract: Contract, event_id: str | None
) -> tuple[bytes, int | None]:
    """The body of an answer, and the length of its JSON where binary data follow it."""
    available = _outputs(reply, number, contract)
    parameters = request.parameters or {}
    all_binary = parameters.get("binary_data_output") is True
    outputs: list[Output] = []
    binaries: list[bytes] = []
    for wanted in request.outputs or map(Wanted, available):
        output = available.get(wanted.name)
        if output is None:
            raise unknown_output(wanted.name, list(available))
        if (wanted.parameters or {}).get("binary_data", all_binary):
            binary = as_bytes(output)
            binaries.append(binary)
            output.parameters = {**(output.parameters or {}), "binary_data_size": len(binary)}
            output.data = None
        outputs.append(output)
    told = None if event_id is None else {"event_id": event_id}
    head = _encode(Answer(model, version, outputs, request.id, told))
    if not binaries:
        return head, None
    return b"".join([head, *binaries]), len(head)


def check_outputs(request: Request) -> None:
    """Refuse what can't be given before the model is asked."""
    asked: set[str] = set()
    for wanted in request.outputs or ():
        if wanted.name not in OUTPUTS:
            raise unknown_output(wanted.name, OUTPUTS)
        if wanted.name in asked:
            raise Refusal(400, "output", f"The output {wanted.name} is asked for twice.")
        asked.add(wanted.name)
        if "classification" in (wanted.parameters or {}):
            raise Refusal(400, "output", f"The output {wanted.name} is given as it is; take `classification` out.")


def unknown_output(name: str, known: Sequence[str]) -> Refusal:
    """Refuses an output that is not there."""
    return Refusal(400, "output", f"There is no output {name[:100]!r}. {no_such(name, list(known))}")


def metadata(contract: Contract, version: Version, versions: Sequence[str], platform: str) -> dict[str, Any]:
    """What a model takes and gives."""
    model = contract.model
    inputs = [{"name": name, "datatype": _datatype(contract, name), "shape": [-1]} for name in version.inputs]
    if version.first is None:
        outputs = _declared(contract)
    else:
        outputs = [
            {"name": one.name, "datatype": one.datatype, "shape": [-1] * len(one.shape)}
            for one in _outputs(version.first, 1, contract).values()
        ]
    return {
        "name": model.name,
        "versions": list(versions),
        "platform": platform,
        "inputs": inputs,
        "outputs": outputs,
    }


def _declared(contract: Contract) -> list[dict[str, Any]]:
    """What a version gives that has not answered yet, as far as the declaration says it."""
    found: list[dict[str, Any]] = [{"name": "prediction", "datatype": DATATYPE_OF[contract.predicted], "shape": [-1]}]
    if contract.model.task is Task.BINARY:
        found.append({"name": "score", "datatype": "FP64", "shape": [-1]})
    elif contract.model.task is Task.MULTICLASS:
        found.append({"name": "scores", "datatype": "FP64", "shape": [-1, -1]})
    return found


def _datatype(contract: Contract, name: str) -> str:
    column = contract.column(name)
    return "FP64" if column is None else DATATYPE_OF[column.type]


def _tensors(request: Request, body: bytes | bytearray, head: int | None) -> Iterator[tuple[Tensor, Values]]:
    """Each tensor with its values; binary ones are cut from the body in their order."""
    at = len(body) if head is None else head
    for tensor in request.inputs:
        size = None if tensor.parameters is None else tensor.parameters.get("binary_data_size")
        if size is None:
            yield tensor, values_of(tensor, None)
            continue
        if type(size) is not int or not 0 <= size <= len(body) - at:
            raise wrong(tensor, f"has the binary_data_size {size!r}, but {len(body) - at:,} bytes are left in the body")
        yield tensor, values_of(tensor, memoryview(body)[at : at + size])
        at += size
    if at != len(body):
        raise Refusal(400, "tensor", f"The body holds {len(body) - at:,} bytes more than its inputs have.")


def _parted(tensor: Tensor, values: Values, contract: Contract, inputs: Sequence[str]) -> Mapping[str, Values]:
    """A matrix as columns, in the order in which the model takes them."""
    width = tensor.shape[1] if len(tensor.shape) == 2 else 1
    if width != len(inputs):
        raise wrong(tensor, f"has the shape {tensor.shape}; the model takes {len(inputs)} columns: {', '.join(inputs)}")
    parts = {name: values[at::width] for at, name in enumerate(inputs)}
    for name in contract.booleans.intersection(inputs):
        if set(listed(parts[name])) <= {0, 1}:
            parts[name] = [bool(value) for value in listed(parts[name])]
    return parts


def _outputs(reply: Reply, number: int, contract: Contract) -> dict[str, Output]:
    found: dict[str, Output] = {}
    if reply.prediction is not None:
        found["prediction"] = encoded("prediction", reply.prediction, [number], contract.predicted)
    score = score_of(reply, contract.model.positive)
    if score is not None:
        found["score"] = Output("score", "FP64", [number], None, score)
    elif reply.scores is not None:
        names = _encode([str(name) for name in reply.classes]).decode()
        shape = [number, len(reply.classes)]
        found["scores"] = Output("scores", "FP64", shape, {"classes": names}, listed(reply.scores))
    return found
