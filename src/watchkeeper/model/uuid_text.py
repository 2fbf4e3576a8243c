"""UUIDs that are stored as 16 bytes, and as the text that people know them by."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SIZE = 16
_TEXT = 36
_HYPHENS = (8, 13, 18, 23)
_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def is_uuid(kind: pa.DataType) -> bool:
    """Whether values are UUIDs: of Arrow's own type for them, or 16 bytes each."""
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return bool(pa.types.is_fixed_size_binary(storage) and storage.byte_width == SIZE)


def written_out(values: pa.Array) -> pa.Array:
    """UUIDs (see `is_uuid`) as text of 36 characters, null where there is none.

    Source: RFC 9562, section 4: hexadecimal digits in small letters, in groups of 8, 4, 4, 4 and 12.
    """
    array = values.storage if isinstance(values.type, pa.BaseExtensionType) else values
    rows = len(array)
    if not rows:
        return pa.array([], pa.string())
    packed = array.fill_null(bytes(SIZE)) if array.null_count else array
    data = np.frombuffer(packed.buffers()[1], dtype=np.uint8)[packed.offset * SIZE :][: rows * SIZE].reshape(rows, SIZE)
    digits = np.stack([_DIGITS[data >> 4], _DIGITS[data & 15]], axis=2).reshape(rows, 2 * SIZE)
    text = np.full((rows, _TEXT), ord("-"), dtype=np.uint8)
    text[:, [place for place in range(_TEXT) if place not in _HYPHENS]] = digits
    offsets = np.arange(0, (rows + 1) * _TEXT, _TEXT, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text.tobytes())]
    whole = pa.Array.from_buffers(pa.string(), rows, buffers)
    if not array.null_count:
        return whole
    return pc.if_else(array.is_valid(), whole, pa.scalar(None, pa.string()))
