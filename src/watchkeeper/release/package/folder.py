"""Package: a version as a folder that `docker build` makes an image of, with all that serving it needs."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.model import CannotWrite, WatchkeeperError
from watchkeeper.model.constraint import Type
from watchkeeper.release import registry
from watchkeeper.release.contract.consumer import broken
from watchkeeper.release.contract.contract import Contract, contract_of
from watchkeeper.release.contract.openapi import openapi
from watchkeeper.release.contract.schema import schema
from watchkeeper.release.outcome import Outcome
from watchkeeper.release.package import home as package_home
from watchkeeper.release.package import pin as package_pin
from watchkeeper.release.package import text as package_text
from watchkeeper.release.package.need import Need, need_of
from watchkeeper.release.package.wheel import wheel
from watchkeeper.release.registry import NotPassed
from watchkeeper.runtime import Format
from watchkeeper.state import audit, gate
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home

SUMS = "SHA256SUMS"

_BASE = re.compile(r"[a-z0-9][a-z0-9._/:-]{0,200}:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(@sha256:[0-9a-f]{64})?")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_EXAMPLES: Mapping[Type, Any] = {
    Type.INTEGER: 1,
    Type.NUMBER: 1.0,
    Type.BOOLEAN: True,
    Type.TIMESTAMP: "2026-01-01T00:00:00Z",
}


class CannotPackage(WatchkeeperError):
    """A version can't be made into an image: the text says why, and what to do instead."""


class NotEmpty(WatchkeeperError):
    """The folder to write to holds something already."""


@dataclass(frozen=True)
class Packaged:
    """What was made."""

    folder: Path
    files: tuple[str, ...]
    remarks: tuple[str, ...]
    """Packages of other versions than the model was trained with, and code that the folder can't bring."""


def package(
    home: Home,
    model: str,
    version: str,
    folder: str | Path,
    *,
    base: str | None = None,
    wheels: str | Path | None = None,
    ungated: str | None = None,
    force: bool = False,
    now: int,
    who: str,
) -> Packaged:
    """Write the folder: whole, or not at all. The same home gives the same bytes.

    `base`: the image to build on, else Python's slim one of the version that the model was trained with. `wheels`: a
    folder with the wheels of all packages: then they are taken along, and the build needs no network. `ungated`: why
    a version is packaged that the gate did not let through. `force` replaces a folder that is not empty.
    Raises `NoSuchVersion`, `NotPassed`, `CannotPackage`, `NotEmpty`, `CannotPin`, `CannotWrite`, and what `fetch` does.
    """
    found = registry.one(home, model, version)
    outcome = _admitted(home, found, ungated)
    tokens = _door(home, found, now)
    target = Path(folder)
    _is_free(target, force)
    need = need_of(home, found)
    pinned = package_pin.pins(found, need.packages)
    base = _base(base or f"python:{pinned.python}-slim")
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        made.chmod(0o755)
        _write(home, found, made, pinned, need, base, None if wheels is None else Path(wheels), outcome, ungated)
        package_home.let_in(home, made / "home", tokens)
        files = _sums(made)
        if target.exists():
            shutil.rmtree(target)
        made.replace(target)
    except OSError as failed:
        raise CannotWrite(
            f"{target} can't be written: {failed.strerror or failed}. Nothing was left behind."
        ) from failed
    finally:
        shutil.rmtree(made, ignore_errors=True)
    audit.append(home.store, who, "version packaged", model, {"version": version, "ungated": ungated}, now)
    missing = f"{', '.join(need.own)} is code of yours, which is not in it: its README.md says how it gets there"
    return Packaged(target, files, (*pinned.remarks, missing) if need.own else pinned.remarks)


def _admitted(home: Home, version: Version, ungated: str | None) -> str:
    """What the gate said; only what may be released may leave as an image. Raises `NotPassed`, `CannotPackage`."""
    if Format(version.format) not in package_pin.RUNS:
        other = "its server answers" if version.format == Format.REMOTE else "its code is yours, and not kept here"
        raise CannotPackage(
            f"{version.version} of {version.model} is a {version.format}: {other}. Images are made of versions that "
            "have a file: ONNX or skops."
        )
    verdict = gate.latest(home.store, version.model, version.version)
    outcome = verdict.outcome if verdict is not None else "never gated"
    if outcome != Outcome.PASS and not (ungated and ungated.strip()):
        raise NotPassed(
            f"{version.version} of {version.model} did not pass the gate ({outcome}), so no image of it is made. "
            f"Run: watchkeeper gate {version.model} {version.version} --holdout FILE. "
            'Or package it all the same, which the image says of itself: --ungated "why".'
        )
    breaks = broken(home, version)
    if breaks is not None and not (ungated and ungated.strip()):
        raise NotPassed(f"{breaks}. So no image of it is made, unless you say why: --ungated.")
    return outcome


def _door(home: Home, version: Version, now: int) -> list[int]:
    tokens = package_home.door(home.store, version.model, now)
    if not tokens:
        raise CannotPackage(
            "in a container the gateway can be reached from elsewhere, and no token exists that would keep strangers "
            f"out. Run: watchkeeper token create --role predict --model {version.model}. Its SHA-256 is taken along."
        )
    return tokens + package_home.door(home.store, version.model, now, package_home.SCRAPES)


def _is_free(target: Path, force: bool) -> None:
    if target.is_dir() and any(target.iterdir()) and not force:
        raise NotEmpty(f"{target} is not empty. Name another folder, or replace all that is in it: --force.")
    if target.exists() and not target.is_dir():
        raise NotEmpty(f"{target} is a file. Name a folder.")
    if target.resolve() in (Path.cwd(), *Path.cwd().parents) or (target.exists() and target.is_symlink()):
        raise NotEmpty(f"{target} is the folder you are in, one above it, or a link. Name a folder of its own.")
    if target.is_dir() and any(target.iterdir()) and not (target / SUMS).is_file():
        raise NotEmpty(f"{target} was not made by `watchkeeper package`, so it is not replaced. Name another folder.")


def _base(base: str) -> str:
    if not _BASE.fullmatch(base) or ":latest" in base:
        raise CannotPackage(
            f"the base image can't be {base[:100]!r}: name it with its version, such as python:3.13.5-slim, "
            "or better also with its digest: python:3.13.5-slim@sha256:…"
        )
    return base


def _write(
    home: Home,
    version: Version,
    made: Path,
    pinned: package_pin.Pins,
    need: Need,
    base: str,
    wheels: Path | None,
    outcome: str,
    ungated: str | None,
) -> None:
    name, content = wheel()
    lines = package_pin.requirements(pinned)
    if wheels is not None:
        (made / "wheels").mkdir()
        lines, taken = package_pin.hashed(pinned, wheels)
        for path in taken:
            shutil.copyfile(path, made / "wheels" / path.name)
        (made / "wheels" / name).write_bytes(content)
        lines += f"watchkeeper=={name.split('-')[1]} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    else:
        (made / name).write_bytes(content)
    contract = contract_of(home, version)
    labels = _labels(version, outcome, ungated)
    texts = {
        "Dockerfile": package_text.dockerfile(base, labels, version.model, name, offline=wheels is not None),
        ".dockerignore": f"README.md\n{SUMS}\ncontract.json\nopenapi.json\n",
        "requirements.txt": lines,
        "contract.json": json.dumps(schema(contract), indent=2) + "\n",
        "openapi.json": json.dumps(openapi(contract), indent=2) + "\n",
        "README.md": package_text.readme(_told(home, version, contract, name, labels), pinned.remarks, need.own),
    }
    for file, text in texts.items():
        (made / file).write_text(text, encoding="utf-8", newline="\n")
    package_home.build(home, version, made / "home", ungated=ungated)


def _labels(version: Version, outcome: str, ungated: str | None) -> dict[str, str]:
    commit = version.detail["lineage"].get("commit")
    known = commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else "unknown"
    return {
        "org.opencontainers.image.title": version.model,
        "org.opencontainers.image.version": version.version,
        "org.opencontainers.image.revision": known,
        "watchkeeper.artifact.format": version.format,
        "watchkeeper.artifact.sha256": version.artifact or "none",
        "watchkeeper.gate": outcome,
        **({} if ungated is None else {"watchkeeper.ungated": ungated}),
    }


def _told(home: Home, version: Version, contract: Contract, name: str, labels: Mapping[str, str]) -> dict[str, str]:
    example = {field.name: (field.column.allowed or [_EXAMPLES.get(field.type, "a")])[0] for field in contract.takes}
    quoted = json.dumps({"dataframe_records": [example]}).replace("'", "'\\''")
    return {
        "model": version.model,
        "version": version.version,
        "tag": version.version.replace("+", "_"),
        "example": quoted,
        "file": package_text.plain(version.file or "none"),
        "sha256": labels["watchkeeper.artifact.sha256"],
        "commit": labels["org.opencontainers.image.revision"],
        "gate": package_text.plain(labels["watchkeeper.gate"]),
        "wheel": name,
        "types": ", ".join(f"`{package_text.plain(one)}`" for one in home.config.serving.skops_types) or "none",
    }


def _sums(made: Path) -> tuple[str, ...]:
    """Write what `sha256sum --check` reads; returns all files."""
    files = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((made / file).read_bytes()).hexdigest()}  {file}\n" for file in files]
    (made / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
    return (*files, SUMS)
