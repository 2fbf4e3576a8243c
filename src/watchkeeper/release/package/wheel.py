"""Wheel: Watchkeeper as it runs here, as a file that pip installs, so that an image holds the very same code."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib.metadata import distribution
from pathlib import Path

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment a zip can hold: all files have it, so the same code gives the same bytes."""
LEFT_OUT = ("__pycache__", ".mypy_cache")


def wheel() -> tuple[str, bytes]:
    """Its file name, and its bytes."""
    found = distribution("watchkeeper")
    root = Path(__file__).parents[2]
    info = f"watchkeeper-{found.version}.dist-info"
    files = {
        f"watchkeeper/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not set(path.relative_to(root).parts) & {*LEFT_OUT}
    }
    files[f"{info}/METADATA"] = _metadata(found.read_text("METADATA") or "")
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: watchkeeper\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nwatchkeeper = watchkeeper.cli:main\n"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    return f"watchkeeper-{found.version}-py3-none-any.whl", _zipped(files)


def _metadata(text: str) -> bytes:
    """Without files that are not taken along: licences lie in the folder of the installed package alone."""
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("License-File:")]
    return "".join(lines).encode()


def _record(files: dict[str, bytes], own: str) -> bytes:
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{own},,\n"]).encode()


def _zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return held.getvalue()
