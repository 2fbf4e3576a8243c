"""Pins: the exact versions of all packages that serving a version needs."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchkeeper.model import WatchkeeperError
from watchkeeper.runtime import Format
from watchkeeper.state.version import Version

if TYPE_CHECKING:
    from packaging.requirements import Requirement

EVERY = (
    "datasketches",
    "jinja2",
    "msgspec",
    "numpy",
    "pyarrow",
    "pydantic",
    "rich",
    "ruamel.yaml",
    "scipy",
    "typer",
    "alembic",
    "deltalake",
    "prometheus-client",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn[standard]",
    "aiohttp",
    "fsspec",
)
"""What every gateway needs."""
RUNS = {Format.ONNX: ("onnxruntime",), Format.SKOPS: ("skops", "scikit-learn")}
"""What runs the artefact."""

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}")
_PYTHON = re.compile(r"3\.(\d+)\.\d+")


class CannotPin(WatchkeeperError):
    """A package that serving needs is not installed here, or no wheel of it was given: the text names it."""


@dataclass(frozen=True)
class Pins:
    """Exact versions, by the names that an index knows."""

    python: str
    packages: Mapping[str, str]
    remarks: tuple[str, ...]
    """Packages that are of another version than the one that the model was trained with, and why."""


def pins(version: Version, more: Sequence[str] = ()) -> Pins:
    """The versions that the model was trained with where its lineage names them, else those installed here.

    `more`: packages that it needs beside what runs its format. Only what serving needs is named, with all that it
    needs in turn. Raises `CannotPin`.
    """
    environment: dict[str, Any] = version.detail["lineage"].get("environment") or {}
    trained: Mapping[str, str] = environment.get("packages") or {}
    asked = _needed((*EVERY, *RUNS[Format(version.format)], *more))
    packages, remarks = {}, []
    for name, (installed, wanted) in sorted(asked.items()):
        known = trained.get(name)
        if known is None or known == installed.version or not _VERSION.fullmatch(known):
            packages[name] = installed.version
        elif broken := next((one for one in wanted if not one.specifier.contains(known, prereleases=True)), None):
            packages[name] = installed.version
            remarks.append(f"{name} {installed.version} is taken, and not {known}, because {broken} is needed")
        else:
            packages[name] = known
    return Pins(_python(environment.get("python")), packages, tuple(remarks))


def requirements(found: Pins) -> str:
    """The lines of a `requirements.txt`."""
    return "".join(f"{name}=={version}\n" for name, version in found.packages.items())


def hashed(found: Pins, wheels: Path) -> tuple[str, list[Path]]:
    """The same lines with the SHA-256 of each wheel in a folder, and those wheels. Raises `CannotPin`."""
    lines, taken = [], []
    files = sorted(path for path in wheels.iterdir() if path.suffix == ".whl")
    for name, version in found.packages.items():
        fitting = [path for path in files if _is_of(path, name, version)]
        if not fitting:
            raise CannotPin(
                f"{wheels} has no wheel of {name} {version}. Fetch all with: "
                f"pip download --only-binary :all: --no-deps --dest {wheels} -r requirements.txt"
            )
        sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in fitting]
        lines.append(f"{name}=={version}" + "".join(f" \\\n    --hash=sha256:{one}" for one in sums) + "\n")
        taken += fitting
    return "".join(lines), taken


def _is_of(wheel: Path, name: str, version: str) -> bool:
    parts = wheel.name.split("-")
    return len(parts) >= 5 and normal(parts[0]) == name and parts[1] == version


def _needed(roots: tuple[str, ...]) -> dict[str, tuple[Distribution, list[Requirement]]]:
    """All packages that the roots need, each with what is asked of its version."""
    from packaging.requirements import Requirement

    found: dict[str, tuple[Distribution, list[Requirement]]] = {}
    waiting = [Requirement(root) for root in roots]
    seen: set[tuple[str, str]] = set()
    while waiting:
        asked = waiting.pop()
        name = normal(asked.name)
        if name not in found:
            found[name] = (_installed(asked.name), [])
        found[name][1].append(asked)
        for extra in ("", *asked.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _below(found[name][0], extra)
    return found


def _below(package: Distribution, extra: str) -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    # An image is Linux, whatever this machine is.
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": extra}
    for line in package.requires or ():
        asked = Requirement(line)
        without = asked.marker is None or asked.marker.evaluate({**linux, "extra": ""})
        if without if not extra else (not without and asked.marker is not None and asked.marker.evaluate(linux)):
            yield asked


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as missing:
        raise CannotPin(
            f"serving needs {name}, which is not installed here. Run: pip install 'watchkeeper[gateway]'"
        ) from missing


def normal(name: str) -> str:
    """A package's name as an index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _python(trained: object) -> str:
    """Python's version in the image: the one of the training, where it is one that we run on."""
    known = _PYTHON.fullmatch(trained) if isinstance(trained, str) else None
    if known is not None and int(known[1]) >= 11:
        return known[0]
    return re.sub(r"[^0-9.].*", "", platform.python_version())
