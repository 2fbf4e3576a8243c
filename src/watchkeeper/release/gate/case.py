"""Case: who is judged by the gate, and against whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from watchkeeper.lake import Lake
from watchkeeper.model import Model
from watchkeeper.model.error import NotInstalled
from watchkeeper.release import registry
from watchkeeper.release.gate.verdict import Gate, as_dict
from watchkeeper.runtime import Allowed, Format, Servable
from watchkeeper.state import gate as gates
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home


@dataclass(frozen=True)
class Case:
    """Who is judged, and against whom."""

    home: Home
    model: Model
    lake: Lake
    candidate: Version
    live: Version | None
    function: str | None
    """A function of the user's that answers for the candidate: file and name."""
    allowed: Allowed
    notes: tuple[str, ...]

    @property
    def features(self) -> list[str]:
        """The columns that the candidate takes."""
        return [name for name in self.candidate.detail["inputs"] if name in self.model.columns]

    def servable(self) -> Servable:
        """All that is needed to run the candidate, its file verified. Raises what `fetch` raises."""
        found = registry.servable(self.home, self.candidate)
        if self.function is None:
            return found
        return Servable(Format.FUNCTION, found.inputs, found.path, self.function)


def case_of(home: Home, model: str, version: str, model_fn: str | None) -> Case:
    """A version, and what is live, or was before it. Raises `NoSuchModel`, `NoSuchVersion`, `NotInstalled`.

    `model_fn`: a function of the user's that answers for the candidate; naming it is the permission to run it.
    """
    declared = home.model(model)
    candidate = registry.one(home, model, version)
    live = registry.live(home, model)
    notes: list[str] = []
    if live is not None and live.version == version:
        live = registry.previous(home, model)
        against = f"what was live before, {live.version}" if live else "the naive baseline alone"
        notes.append(f"{version} is live itself, so it is held against {against}.")
    elif live is None:
        notes.append("No version is live, so the candidate is held against the naive baseline alone.")
    allowed, function = home.config.serving, None
    if model_fn is not None:
        file, _, name = model_fn.rpartition(":")
        function = f"{Path(file).absolute()}:{name}"
        allowed = allowed.model_copy(update={"functions": True})
        if candidate.detail["function"] != model_fn:
            notes.append(f"{model_fn} answered for {version}: the verdict holds only where it does so in production.")
    else:
        _installed(Format(candidate.format))
    return Case(home, declared, home.lake(declared), candidate, live, function, allowed, tuple(notes))


def _installed(format: Format) -> None:
    """Raises `NotInstalled`: what this machine lacks is no fault of a candidate, so no verdict is made of it."""
    needed = {Format.ONNX: "onnxruntime", Format.SKOPS: "skops"}.get(format)
    if needed is not None and find_spec(needed) is None:
        raise NotInstalled(f"the gate needs {needed} for this version. Run: pip install 'watchkeeper[gateway]'")


def kept(home: Home, found: Gate, now: int, who: str) -> Gate:
    """Keep a verdict; it has its number then."""
    number = gates.add(home.store, found.model, found.version, found.outcome.value, as_dict(found), now, who)
    return replace(found, number=number)
