"""Examines a file before it is taken as a model: decided by its content, in bounded memory, never by running it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from watchkeeper.model import Allowed
from watchkeeper.runtime import onnx_file, onnx_port, skops_file, skops_trust
from watchkeeper.runtime.audit import untrusted
from watchkeeper.runtime.failure import Refused
from watchkeeper.runtime.servable import Format

_BLOCK = 1 << 20
_EXPORT = "Export the model as ONNX, or save it by skops.io.dump."
_STRANGERS = (
    (b"\x80\x02", "a pickle or joblib file, which runs code of its choice when it is opened"),
    (b"\x80\x03", "a pickle or joblib file, which runs code of its choice when it is opened"),
    (b"\x80\x04", "a pickle or joblib file, which runs code of its choice when it is opened"),
    (b"\x80\x05", "a pickle or joblib file, which runs code of its choice when it is opened"),
    (b"\x1f\x8b", "a compressed file, such as a pickle of joblib"),
    (b"\x78\x01", "a compressed file, such as a pickle of joblib"),
    (b"\x78\x5e", "a compressed file, such as a pickle of joblib"),
    (b"\x78\x9c", "a compressed file, such as a pickle of joblib"),
    (b"\x78\xda", "a compressed file, such as a pickle of joblib"),
    (b"BZh", "a compressed file, such as a pickle of joblib"),
    (b"\xfd7zXZ", "a compressed file, such as a pickle of joblib"),
    (b"\x5d\x00\x00", "a compressed file, such as a pickle of joblib"),
    (b"\x04\x22\x4d\x18", "a compressed file, such as a pickle of joblib"),
    (b"\x28\xb5\x2f\xfd", "a compressed file"),
    (b"\x89HDF", "an HDF5 file, such as one of Keras"),
    (b"PAR1", "a Parquet file"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"tree\n", "a LightGBM model"),
    (b"binf", "an XGBoost model"),
    (b"{", "JSON, such as an XGBoost model"),
    (b"[", "JSON"),
    (b"<", "XML, such as PMML"),
    (b"#", "a script"),
)
"""How files begin that are no model of ours, and what they are."""


@dataclass(frozen=True)
class Facts:
    """What a file is, as it says of itself; nothing of it was run."""

    format: Format
    inputs: tuple[str, ...] | None
    """The columns that it names; None where it takes those of its training by their order."""
    width: int | None
    """How many columns it takes, where it says so."""
    outputs: tuple[str, ...]
    size: int
    sha256: str
    own: tuple[str, ...] = ()
    """Packages of its own types, which a process that loads it has to find."""


def examine(path: Path, allowed: Allowed) -> Facts:
    """Read what a file is. Raises `Refused` with the reason, and what to do instead."""
    try:
        with _opened(path, allowed.file_bytes) as file:
            size = os.fstat(file.fileno()).st_size
            sha256 = _digest(file)
            return _facts(path, file, size, sha256, allowed)
    except Refused as refused:
        raise Refused(f"{path} is refused. {refused}") from refused


def _opened(path: Path, most_bytes: int) -> BinaryIO:
    """The file, opened so that neither a link nor a device is followed."""
    if path.is_symlink():
        raise Refused("It is a symbolic link, which may lead elsewhere tomorrow. Name the file itself.")
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"It can't be read: {error.strerror}.") from error
    found = os.fstat(number)
    fault = None
    if stat.S_ISDIR(found.st_mode):
        fault = "It is a folder. Name one file: an ONNX model, or an estimator saved by skops.io.dump."
    elif not stat.S_ISREG(found.st_mode):
        fault = "It is a device, a pipe or a socket. Name a file."
    elif found.st_size == 0:
        fault = "It is empty. Copy it again, whole."
    elif found.st_size > most_bytes:
        fault = (
            f"It has {found.st_size:,} bytes, more than {most_bytes:,}. "
            "If that is right, raise `file_bytes` under `serving:` in config.yaml."
        )
    if fault is not None:
        os.close(number)
        raise Refused(fault)
    return os.fdopen(number, "rb")


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _facts(path: Path, file: BinaryIO, size: int, sha256: str, allowed: Allowed) -> Facts:
    file.seek(0)
    start = file.read(8)
    if start.startswith(b"PK"):
        held = skops_file.describe(file, size, allowed.file_bytes, allowed.skops_types)
        skops_trust.refuse(untrusted(path), allowed.skops_types)
        return Facts(Format.SKOPS, held.inputs, held.width, ("prediction",), size, sha256, skops_trust.own(held.types))
    for begins, what in _STRANGERS:
        if start.startswith(begins):
            raise Refused(f"It is {what}. {_EXPORT}")
    graph = onnx_file.describe(file, size, allowed.file_bytes)
    named = onnx_port.columns(graph.inputs)
    width = graph.inputs[0].width if named is None else len(named)
    outputs = tuple(one.name for one in graph.outputs)
    return Facts(Format.ONNX, named, width, outputs, size, sha256)
