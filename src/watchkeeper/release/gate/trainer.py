"""Calls a user's training function, in a process of its own: `python -m watchkeeper.release.gate.trainer`."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

ANSWER = "trained.json"
"""The file, in the folder that the function writes to, that says where its artefact is."""


def main(function: str, folder: str, files: list[str]) -> None:
    """Call `pipeline.py:train` with the training files and a folder; it gives the path of the artefact it wrote there.

    Modules beside the file can be imported by it.
    """
    file, _, name = function.rpartition(":")
    path = Path(file).absolute()
    if not path.is_file():
        sys.exit(f"{path}: no such file. Name the function as pipeline.py:train.")
    sys.path.insert(0, str(path.parent))
    called = runpy.run_path(str(path), run_name=path.stem).get(name)
    if not callable(called):
        sys.exit(f"{path} has no function {name}.")
    made = called(files, folder)
    if not isinstance(made, str | Path) or not Path(folder, made).is_file():
        sys.exit(f"{function} gave {made!r}: it has to give the path of the artefact that it wrote.")
    Path(folder, ANSWER).write_text(json.dumps({"path": str(Path(folder, made))}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
