"""Tensors of the Open Inference Protocol: as JSON and as binary data, to columns and back."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from itertools import chain
from math import prod
from types import NoneType
from typing import Any

import numpy as np
from msgspec import Struct

from watchkeeper.gateway.refusal import Refusal
from watchkeeper.gateway.rows import Values, listed
from watchkeeper.model import Type
from watchkeeper.model.mistake import shown

NUMBERS: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
DATATYPES = (*NUMBERS, "BYTES")
_LENGTH = struct.Struct("<I")
_LONGEST = 2**63
_REAL = frozenset({int, float})
_JSON_KINDS: Mapping[str, frozenset[type]] = {
    "BOOL": frozenset({bool}),
    "BYTES": frozenset({str}),
    "FP16": _REAL,
    "FP32": _REAL,
    "FP64": _REAL,
}
_WHOLE: frozenset[type] = frozenset({int})
_FREE = {name: kinds | {NoneType} for name, kinds in {**_JSON_KINDS, "INT64": _WHOLE}.items()}
"""Types of JSON values that nothing more is asked of."""
DATATYPE_OF = {
    Type.INTEGER: "INT64",
    Type.NUMBER: "FP64",
    Type.BOOLEAN: "BOOL",
    Type.STRING: "BYTES",
    Type.TIMESTAMP: "BYTES",
    Type.OTHER: "BYTES",
}
_TOLD_AS = {kind: DATATYPE_OF[kind] for kind in (Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.STRING)}
"""Datatypes of outputs, where the declaration says enough of them."""
_NATURAL = {"BOOL": frozenset({bool}), "INT64": frozenset({int}), "FP64": _REAL}
_ONE_KIND = {**_NATURAL, "FP64": frozenset({float}), "BYTES": frozenset({str})}


class Tensor(Struct, gc=False):
    """A tensor as a request holds it."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


class Output(Struct, omit_defaults=True, gc=False):
    """A tensor as an answer holds it."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


def values_of(tensor: Tensor, binary: memoryview | None) -> Values:
    """All values of a tensor, row by row. `binary`: what the body holds of it. Raises a `Refusal` that names it."""
    if len(tensor.shape) > 2:
        raise wrong(tensor, f"has a shape of {len(tensor.shape):,} sides; [rows] or [rows, 1] is taken")
    if not all(0 <= length < _LONGEST for length in tensor.shape):
        raise wrong(tensor, "has a shape that can't be: no side can be below 0 or beyond 64 bits")
    size = prod(tensor.shape)
    if binary is not None:
        return _of_bytes(tensor, binary, size)
    data = tensor.data
    if data is None:
        raise wrong(tensor, "has neither `data` nor `binary_data_size`")
    while data and type(data[0]) is list:
        data = _flat(tensor, data)
    if len(data) != size:
        raise wrong(tensor, f"has the shape {tensor.shape}, which makes {size:,} values, but {len(data):,} are there")
    return _of_datatype(tensor, data)


def encoded(name: str, values: Values, shape: list[int], type: Type) -> Output:
    """Values as an output: told as what they are declared as, if they can be, else as what they are."""
    data = listed(values)
    as_declared = told(data, type)
    if as_declared is not None and type in _TOLD_AS:
        return Output(name, _TOLD_AS[type], shape, None, as_declared)
    # a version that answers what it is not declared to: the values are told as they are
    natural = _natural(data)
    return Output(name, natural, shape, None, _converted(data, natural))


def told(data: list[Any], type: Type) -> list[Any] | None:
    """Values as a declared type is told, or as they are where it says too little; None where one has no equal there."""
    datatype = _TOLD_AS.get(type)
    if datatype is None:
        return data
    try:
        return _converted(data, datatype)
    except (ValueError, OverflowError):
        return None


def as_bytes(output: Output) -> bytes:
    """An output's values as binary data."""
    data = output.data or []
    if output.datatype == "BYTES":
        texts = [text.encode() for text in data]
        return b"".join(chain.from_iterable((_LENGTH.pack(len(text)), text) for text in texts))
    return np.array(data, NUMBERS[output.datatype]).tobytes()


def wrong(tensor: Tensor, what: str) -> Refusal:
    """What is wrong with a tensor."""
    return Refusal(400, "tensor", f"The input {shown(tensor.name)} {what}.")


def _natural(data: list[Any]) -> str:
    kinds = set(map(type, data))
    return next((datatype for datatype, all_of in _NATURAL.items() if kinds and kinds <= all_of), "BYTES")


def _converted(data: list[Any], datatype: str) -> list[Any]:
    """Values as a datatype has them. Raises `ValueError` where one has no equal there."""
    if _ONE_KIND[datatype].issuperset(map(type, data)):
        return data
    return [_AS[datatype](value) for value in data]


def _truth(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


def _integer(value: Any) -> int:
    if isinstance(value, str) or value != int(value):
        raise ValueError
    return int(value)


def _real(value: Any) -> float:
    if isinstance(value, str):
        raise ValueError
    return float(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_AS: Mapping[str, Callable[[Any], Any]] = {"BOOL": _truth, "INT64": _integer, "FP64": _real, "BYTES": _text}


def _flat(tensor: Tensor, data: list[Any]) -> list[Any]:
    if not all(type(part) is list for part in data):
        raise wrong(tensor, "has lists and values side by side in its `data`")
    return list(chain.from_iterable(data))


def _of_datatype(tensor: Tensor, data: list[Any]) -> list[Any]:
    """JSON values, if they are what the tensor says."""
    datatype = tensor.datatype
    if _FREE.get(datatype, frozenset()).issuperset(map(type, data)):
        return data
    if datatype not in DATATYPES:
        raise wrong(tensor, f"has the datatype {shown(datatype)}; known are {', '.join(DATATYPES)}")
    kinds = set(map(type, data)) - {NoneType}
    if not kinds <= _JSON_KINDS.get(datatype, _WHOLE):
        bad = next(value for value in data if type(value) in kinds - _JSON_KINDS.get(datatype, _WHOLE))
        raise wrong(tensor, f"has the datatype {datatype}, but holds a {type(bad).__name__}")
    if kinds:
        limits = np.iinfo(NUMBERS[datatype])
        there = [value for value in data if value is not None]
        if not limits.min <= min(there) <= max(there) <= limits.max:
            raise wrong(tensor, f"holds a number beyond {datatype}")
    return data


def _of_bytes(tensor: Tensor, binary: memoryview, size: int) -> Values:
    if tensor.datatype == "BYTES":
        return _texts(tensor, binary, size)
    kind = NUMBERS.get(tensor.datatype)
    if kind is None:
        raise wrong(tensor, f"has the datatype {shown(tensor.datatype)}; known are {', '.join(DATATYPES)}")
    if len(binary) != size * kind.itemsize:
        raise wrong(
            tensor,
            f"has the shape {tensor.shape} of {tensor.datatype}, which makes {size * kind.itemsize:,} bytes, "
            f"but {len(binary):,} are there",
        )
    if kind.kind == "b":
        truths: list[bool] = (np.frombuffer(binary, np.uint8) != 0).tolist()
        return truths
    return np.frombuffer(binary, kind)


def _texts(tensor: Tensor, binary: memoryview, size: int) -> list[str]:
    found: list[str] = []
    at, end = 0, len(binary)
    try:
        while at < end and len(found) <= size:
            (length,) = _LENGTH.unpack_from(binary, at)
            at += _LENGTH.size + length
            if at > end:
                break
            found.append(str(binary[at - length : at], "utf-8"))
    except (struct.error, UnicodeDecodeError):
        at = -1
    if at != end or len(found) != size:
        raise wrong(tensor, f"is not {size:,} texts in UTF-8, each after its length in 4 bytes")
    return found
