"""What answers for a version: its file, a function of the user's, or a server of the user's."""

from __future__ import annotations

import ast
from pathlib import Path
from symtable import symtable

from watchkeeper.model import WatchkeeperError
from watchkeeper.model.mistake import no_such, shown
from watchkeeper.runtime import CannotLoad, Format
from watchkeeper.runtime.remote import address_of


class NothingToServe(WatchkeeperError):
    """A version is registered without anything that could answer, or with two things that would."""


def answering(file: str | Path | None, function: str | None, url: str | None) -> Format | None:
    """How a version answers; None where its file tells. Raises `NothingToServe`."""
    if (url is not None) + (file is not None or function is not None) != 1:
        raise NothingToServe(
            "a version is a file, a function (with or without a file that it loads), or the address of a server: "
            "name one of them."
        )
    if url is None:
        return None if function is None else Format.FUNCTION
    try:
        address_of(url)
    except CannotLoad as wrong:
        raise NothingToServe(str(wrong)) from wrong
    return Format.REMOTE


def code_of(function: str) -> Path:
    """The file of a function of the user's, which is looked into and not run. Raises `NothingToServe`."""
    file, colon, name = function.rpartition(":")
    path = Path(file).absolute()
    if not colon or not name.isidentifier() or not path.is_file():
        raise NothingToServe(f"{shown(function)} is no function in a file that is there: write pipeline.py:predict.")
    try:
        code = path.read_text(encoding="utf-8")
        from_elsewhere = any(
            isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.parse(code).body
        )
        symbols = symtable(code, str(path), "exec").get_symbols()
    except (SyntaxError, ValueError) as wrong:
        raise NothingToServe(f"{path} is no Python: {wrong}. Name a function as pipeline.py:predict.") from wrong
    names = [one.get_name() for one in symbols if one.is_assigned() or one.is_imported() or one.is_namespace()]
    if name not in names and not from_elsewhere:
        raise NothingToServe(f"{path} has no function {shown(name)}. {no_such(name, names) if names else ''}".rstrip())
    return path
