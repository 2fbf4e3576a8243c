"""Opens a delivery: finds what it is, how it is written, and whether its columns are those of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.delivery import schema
from watchkeeper.delivery.columnar import ColumnarReader, open_columnar, open_table
from watchkeeper.delivery.container import Container, Format, container, gathered, text_inside, unpacked
from watchkeeper.delivery.convert import is_read, kept_as_codes
from watchkeeper.delivery.csv_read import CsvReader, open_csv
from watchkeeper.delivery.encoding import as_utf8, marked, normal, refuse_utf16_unmarked
from watchkeeper.delivery.json_lines import JsonReader, open_json
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.partition import partitioned
from watchkeeper.delivery.piece import Reader
from watchkeeper.delivery.rejection import Rejection
from watchkeeper.delivery.source import Place
from watchkeeper.delivery.standard import STANDARD, standard_instead
from watchkeeper.delivery.violation import Violation
from watchkeeper.model.declaration import Model, Role, TextFormat


@dataclass
class Opened:
    """A delivery that may be read, and what was found on the way there."""

    reader: Reader
    grows: bool = False
    """Whether columns are known for certain only after reading (JSON lines)."""
    violations: list[Violation] = field(default_factory=list)
    text: TextFormat | None = None
    """How text is written; None for typed formats."""


def open_delivery(source: Place | Any, name: str, model: Model, limits: Limits) -> Opened:
    """Open a file or table and hold its columns against the model's. Raises `Rejection` where it can't be opened."""
    if not isinstance(source, Place):
        return _typed(open_table(source, name, limits), model)
    found = container(source, limits)
    if found.format in (Format.PARQUET, Format.ARROW):
        codes = [label for label, declared in model.columns.items() if is_read(declared) and kept_as_codes(declared)]
        read = {label: declared for label, declared in model.columns.items() if declared.role is not Role.IGNORED}
        return _typed(partitioned(open_columnar(source, found.format, limits, codes), source.path, read), model)
    text = _written(source, found, model, limits)
    names = None if text.header else list(model.columns)
    opened = open_text(source, found.format, found.packing, text, limits, model.cell_limit, names)
    if isinstance(opened.reader, CsvReader) and text.header:
        assert opened.text is not None
        line = opened.reader.header.decode()
        columns = opened.reader.names
        faults = schema.header_faults(name, line, columns, model, opened.text, opened.reader.first_lines)
        opened.violations += faults or _by_name(name, columns, model)
    return opened


def _written(place: Place, found: Container, model: Model, limits: Limits) -> TextFormat:
    """How the text of a file is written: as its ending says or the model declares, or in the standard form."""
    if found.tabs:
        return model.text.model_copy(update={"delimiter": "\t"})
    if found.format is Format.JSON or model.text == STANDARD:
        return model.text
    start = next(gathered(unpacked(place, found.packing, limits), limits.block), b"")
    return standard_instead(start, model) or model.text


def open_text(
    place: Place,
    format: Format,
    packing: str | None,
    text: TextFormat,
    limits: Limits,
    cell_limit: int,
    names: Sequence[str] | None,
) -> Opened:
    """Open CSV or JSON lines. `names`: the columns of a CSV file without a header. Raises `Rejection`."""
    start = next(unpacked(place, packing, limits), b"")
    if not start:
        raise Rejection(
            "empty_file",
            f"{place.name} is empty: the archive holds not one byte.",
            "Ask the sender to deliver it again.",
        )
    text_inside(place, packing, start, format)
    encoding = marked(start) or text.encoding
    refuse_utf16_unmarked(start, encoding, place.name)
    violations = []
    if normal(encoding) != normal(text.encoding):
        words = f"{place.name} is marked as {encoding}, and {text.encoding} is declared; it was read as it is marked."
        violations.append(
            Violation(
                "other_encoding",
                words,
                f"Ask the sender for {text.encoding}, or declare {encoding}: other readers may fail.",
            )
        )
    text = text.model_copy(update={"encoding": encoding})

    def stream() -> Iterator[bytes]:
        return as_utf8(gathered(unpacked(place, packing, limits), limits.block), encoding, place.name)

    if format is Format.JSON:
        reader: JsonReader | CsvReader = open_json(place.name, stream, encoding, limits, cell_limit)
    else:
        reader = open_csv(place.name, stream, text, limits, cell_limit, names)
    return Opened(reader, format is Format.JSON, violations, text)


def _typed(reader: ColumnarReader, model: Model) -> Opened:
    name = reader.name
    found = _by_name(name, reader.names, model)
    if reader.lexical:
        return Opened(reader, False, found)
    found += schema.types(name, reader.schema, model) + schema.bare_dates(name, reader.schema, model)
    return Opened(reader, False, found + schema.exchanges(name, reader.schema, model))


def _by_name(name: str, columns: Sequence[str], model: Model) -> list[Violation]:
    return (
        schema.missing(name, columns, model)
        + schema.doubled(name, columns)
        + schema.extra_columns(name, columns, model)
    )
