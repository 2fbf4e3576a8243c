"""MLflow's `/invocations`: data frames, tensors and CSV become columns, and a reply its predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from watchkeeper.gateway.contract import Contract
from watchkeeper.gateway.refusal import Refusal, TooManyRows
from watchkeeper.gateway.rows import Reply, Values, listed
from watchkeeper.model import Column, Type
from watchkeeper.model.mistake import shown

FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")
_Sent = tuple[dict[str, Values], int]


class Split(Struct, gc=False):
    """A data frame as its columns' names and its rows."""

    data: list[list[Any]]
    columns: list[str] | None = None
    index: Any = None


class Invocation(Struct, gc=False):
    """What is sent: one of the four."""

    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    inputs: Any = None
    instances: list[Any] | None = None
    params: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(Invocation).decode
_encode = msgspec.json.Encoder().encode


def columns(body: bytes | bytearray, kind: str, contract: Contract, inputs: Sequence[str], most: int) -> _Sent:
    """The values of each column that was sent, and how many rows they make: `most` at most. Raises a `Refusal`."""
    kind, _, parameters = kind.partition(";")
    kind = kind.strip().lower()
    if kind == "text/csv":
        return _of_csv(body, contract, most)
    if kind not in ("application/json", ""):
        told = f"Bodies of type {kind[:100]!r} are not read here. Send application/json or text/csv."
        raise Refusal(415, "content-type", told)
    if "charset" in parameters and "utf-8" not in parameters.lower():
        raise Refusal(415, "content-type", "Only UTF-8 is read here.")
    try:
        sent = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(f"The body can't be read: {error}.") from None
    except RecursionError:
        raise _malformed("The body is nested too deeply.") from None
    there = [form for form in FORMS if getattr(sent, form) is not None]
    if len(there) != 1:
        raise _malformed(f"Send exactly one of {', '.join(FORMS)}; here {' and '.join(there) or 'none'} is sent.")
    if sent.params:
        raise _malformed("`params` are not taken by this model; leave them out.")
    _check_rows(getattr(sent, there[0]), most)
    if sent.dataframe_split is not None:
        return _of_lines(sent.dataframe_split.data, sent.dataframe_split.columns or inputs)
    if sent.dataframe_records is not None:
        return _of_records(sent.dataframe_records, 2 * len(body))
    if sent.instances is not None:
        return _of_list(sent.instances, inputs, 2 * len(body))
    if isinstance(sent.inputs, dict):
        return _of_columns(sent.inputs)
    if isinstance(sent.inputs, list):
        return _of_list(sent.inputs, inputs, 2 * len(body))
    raise _malformed("`inputs` is an object of columns, or a list of rows.")


def answered(version: str, reply: Reply, event_id: str | None) -> bytes:
    """The body of an answer."""
    if reply.prediction is not None:
        predictions: list[Any] = listed(reply.prediction)
    else:
        flat, width = listed(reply.scores if reply.scores is not None else []), max(len(reply.classes), 1)
        predictions = [flat[at : at + width] for at in range(0, len(flat), width)]
    told: dict[str, Any] = {"predictions": predictions, "model_version": version}
    if event_id is not None:
        told["event_id"] = event_id
    return _encode(told)


def refused(refusal: Refusal) -> bytes:
    """An error as MLflow's clients read it, and as those of the Open Inference Protocol do."""
    code = "BAD_REQUEST" if refusal.status < 500 else "INTERNAL_ERROR"
    return _encode({"error_code": code, "message": str(refusal), "error": str(refusal)})


def _malformed(text: str) -> Refusal:
    return Refusal(400, "malformed", text)


def _check_rows(sent: Any, most: int) -> None:
    """Refuse too many rows before columns are made of them."""
    rows = sent.data if isinstance(sent, Split) else sent
    for values in rows.values() if isinstance(rows, dict) else [rows]:
        if isinstance(values, list) and len(values) > most:
            raise TooManyRows(most)


def _of_lines(lines: Sequence[Any], names: Sequence[str]) -> _Sent:
    if not lines:
        raise _malformed("The request holds no row.")
    if len(set(names)) != len(names):
        raise _malformed("Two columns have the same name.")
    for row, line in enumerate(lines):
        if type(line) is not list or len(line) != len(names):
            has = f"{len(line)} values" if type(line) is list else "no list"
            raise _malformed(f"Row {row} has {has}, and there are {len(names)} columns: {', '.join(names)}.")
    return {name: list(values) for name, values in zip(names, zip(*lines, strict=True), strict=True)}, len(lines)


def _of_records(records: Sequence[Mapping[str, Any]], most: int) -> _Sent:
    """`most`: so many cells may come of a body, as a few bytes that name many columns would fill the memory."""
    if not records:
        raise _malformed("The request holds no row.")
    names = dict.fromkeys(name for record in records for name in record)
    if len(names) * len(records) > most:
        words = f"Hardly any of the {len(records):,} rows has a value for each of the {len(names):,} columns"
        raise _malformed(f"{words} that they name together. Send them as `dataframe_split`.")
    return {name: [record.get(name) for record in records] for name in names}, len(records)


def _of_list(rows: Sequence[Any], names: Sequence[str], most: int) -> _Sent:
    kinds = set(map(type, rows))
    if kinds == {dict}:
        return _of_records(rows, most)
    if kinds == {list}:
        return _of_lines(rows, names)
    return _of_lines([[value] for value in rows], names)


def _of_columns(sent: Mapping[str, Any]) -> _Sent:
    found = {name: values if isinstance(values, list) else [values] for name, values in sent.items()}
    found = {name: _unboxed(values) for name, values in found.items()}
    lengths = {len(values) for values in found.values()}
    if len(lengths) != 1 or not next(iter(lengths)):
        told = ", ".join(f"{shown(name)} {len(values):,}" for name, values in list(found.items())[:10])
        raise _malformed(f"All columns have one length above 0; here they have: {told or 'none is sent'}.")
    return dict(found), next(iter(lengths))


def _unboxed(values: list[Any]) -> list[Any]:
    """A column of shape [n, 1] as one of shape [n]."""
    if values and all(type(value) is list and len(value) == 1 for value in values):
        return [value[0] for value in values]
    return values


def _of_csv(body: bytes | bytearray, contract: Contract, most: int) -> _Sent:
    try:
        text = str(body, "utf-8-sig")
        lines = list(islice(filter(None, csv.reader(io.StringIO(text, newline=""), strict=True)), most + 2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _malformed(f"The body is no CSV in UTF-8: {error}.") from None
    if not lines:
        raise _malformed("The request holds no row.")
    if len(lines) > most + 1:
        raise TooManyRows(most)
    found, number = _of_lines(lines[1:], lines[0])
    for name, values in found.items():
        column = contract.column(name)
        if column is not None:
            found[name] = [_cell(value, column) for value in listed(values)]
    return found, number


def _cell(text: str, column: Column) -> Any:
    """What a cell's text says; a text that is no value of the column stays one, and the contract refuses it."""
    if text in (column.missing or ("",)):
        return None
    read = _READ.get(column.type)
    try:
        return read(text) if read else text
    except (ValueError, KeyError):
        return text


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _integer(text: str) -> int | float:
    return int(text) if "." not in text else float(text)


_READ: Mapping[Type, Callable[[str], Any]] = {
    Type.INTEGER: _integer,
    Type.NUMBER: float,
    Type.BOOLEAN: _boolean,
}
