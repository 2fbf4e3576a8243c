"""A baseline that is profiled already: several files added up, and brought to windows like those of the data."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from watchkeeper.delivery import expand, is_table, shown
from watchkeeper.delivery.wording import listed as among
from watchkeeper.model import Model, Role, Type, WatchkeeperError
from watchkeeper.profiles import (
    Baseline,
    EdgesDiffer,
    NumericProfile,
    ProfileFile,
    Profiles,
    RowWindows,
    Slice,
    TimeWindows,
    Windows,
    is_profile,
    merge,
    read,
)
from watchkeeper.watch.span import ALIKE, Span, like, span_of, without_short, without_stubs

Named = tuple[str, ProfileFile]

_BLOCK = re.compile(r"rows (\d+)-(\d+)")
_NUMBERS = (Type.INTEGER, Type.NUMBER)
_LENGTHS = {3_600_000_000: "hours", 86_400_000_000: "days", 7 * 86_400_000_000: "weeks"}


class BaselineUnreadable(WatchkeeperError):
    """The baseline could not be read, so nothing can be compared."""

    exit_code = 4


class BaselineDiffers(WatchkeeperError):
    """A profile file was made for other windows or segments than those asked for."""


class NotAlone(WatchkeeperError):
    """Profiles were given where data are wanted, or beside data: the text says which."""


class WindowsDiffer(EdgesDiffer):
    """Profiles cut into other windows or divided by other columns can't be added."""


class CountedTwice(WatchkeeperError):
    """Two profile files hold the same rows, which would count twice."""


def expanded(baseline: Any) -> list[Any]:
    """A baseline's sources one by one, as `expand` gives them; what `profile` made stays as it is."""
    several = isinstance(baseline, Sequence) and not isinstance(baseline, str | bytes) and not is_table(baseline)
    many = list(baseline) if several else [baseline]
    made = [given for given in many if isinstance(given, ProfileFile)]
    rest = [given for given in many if not isinstance(given, ProfileFile)]
    return [*made, *expand(rest)] if made and rest else made or expand(baseline)


def on_disk(sources: Iterable[Any]) -> list[Any]:
    """The sources without what lies in memory only as profiles: what could be overwritten."""
    return [source for source in sources if not isinstance(source, ProfileFile)]


def profiles_among(listed: Sequence[Any], *, counts: bool = True) -> list[Named]:
    """The profile files among a baseline's sources, with what to call them: all of them, or none.

    Without `counts`, files are read for their edges and model alone.

    Raises `NotAlone`, `NotAProfile`.
    """
    found = [source for source in listed if holds_profiles(source)]
    if found and len(found) < len(listed):
        data = next(source for source in listed if not holds_profiles(source))
        raise NotAlone(
            f"{called(found[0])} holds profiles and {called(data)} data. A baseline is one or the other: profile the "
            f"data with --baseline {called(found[0])}, then give the profiles alone."
        )
    return [
        (called(source), source if isinstance(source, ProfileFile) else read(Path(source), counts=counts))
        for source in found
    ]


def data_only(given: Any) -> list[Any]:
    """Data one by one, as `expand` gives them. Raises `NotAlone` where profiles were given."""
    sources = expanded(given)
    for source in sources:
        if holds_profiles(source):
            raise NotAlone(
                f"{called(source)} holds profiles, and here data are wanted: profiles are a baseline (--baseline), "
                "or are added up with `watchkeeper merge`."
            )
    return sources


def holds_profiles(source: Any) -> bool:
    """Whether a source is what `profile` made, or a file of it."""
    if isinstance(source, ProfileFile):
        return True
    return isinstance(source, str | os.PathLike) and Path(source).is_file() and is_profile(Path(source))


def called(source: Any) -> str:
    """What to call a source in words."""
    if isinstance(source, str | os.PathLike):
        return shown(str(source))
    return "what profile() returned" if isinstance(source, ProfileFile) else "a table"


def added(files: Sequence[Named]) -> ProfileFile:
    """The sum of profile files. Raises `EdgesDiffer`, `WindowsDiffer`, `CountedTwice`, which name the files."""
    name, first = files[0]
    for i, (other, file) in enumerate(files[1:], 1):
        if file.profiles.edges.id != first.profiles.edges.id:
            raise EdgesDiffer(
                f"{name} and {other} were counted on different edges ({first.profiles.edges.id} and "
                f"{file.profiles.edges.id}), so their counts can't be added. Profile both with the same --baseline."
            )
        _refuse_other_cuts(files[:i], (other, file))
        _refuse_copies(files[:i], (other, file))
    digests = {digest: label for _, file in files for digest, label in file.digests.items()}
    source = "files" if len(files) > 1 and first.source == "one" else first.source
    return replace(
        first,
        profiles=merge(file.profiles for _, file in files),
        source=source,
        digests=dict(sorted(digests.items())),
    )


def unfit(file: ProfileFile, model: Model) -> str:
    """Why a baseline of these profiles can't be used with another model; empty if it can."""
    for name, column in model.columns.items():
        if column.role is Role.IGNORED or column.type is Type.OTHER:
            continue
        was = file.model.columns.get(name)
        if name not in file.profiles.columns or was is None:
            return f"its profiles have no column `{name}`, which the model has"
        if was.type is not column.type and not (was.type in _NUMBERS and column.type in _NUMBERS):
            return f"`{name}` was profiled as {was.type}, and the model says {column.type}"
    return ""


def fitted(
    file: ProfileFile, windows: Windows | None, rows: int, span: Span | None, segments: Sequence[str], name: str
) -> Baseline:
    """Profiles in windows like those of the data: days are added up to weeks, and so on; as one where that can't be.

    `windows`: those asked for, None for one a file, which has so many `rows` and this `span`. Raises `BaselineDiffers`.
    """
    profiles = file.profiles
    missing = [s for s in segments if not any((at.segment or "").startswith(f"{s}=") for at in profiles.slices)]
    if missing:
        raise BaselineDiffers(
            f"{name}: these profiles are not divided by {missing[0]!r}. Profile the baseline again with this segment, "
            "or give its data."
        )
    if isinstance(windows, TimeWindows):
        return Baseline(_in_time(profiles, windows, name), file.source)
    several = profiles.windows > 1
    if isinstance(windows, RowWindows):
        blocks = _in_blocks(profiles, windows.count) if several else profiles
        if blocks is None:
            raise BaselineDiffers(
                f"{name}: these profiles are not cut into blocks of {windows.count:,} rows. Profile the baseline again "
                f"with --by {windows.count}-rows, or give its data."
            )
        return Baseline(blocks, file.source)
    if not several or file.source == "files":
        return Baseline(profiles, file.source)
    cut = _like_rows(profiles, rows) if file.source == "blocks" else _like_span(profiles, file.model, span)
    if cut is not None and cut.windows >= 2:
        return Baseline(cut, file.source)
    return Baseline(profiles.regrouped(lambda at: Slice(None, None, "baseline", at.segment, at.version)), "one")


def _in_time(profiles: Profiles, windows: TimeWindows, name: str) -> Profiles:
    if not profiles.slices or any(at.start is None for at in profiles.slices):
        raise BaselineDiffers(f"{name}: these profiles are not cut by time. Profile the baseline again, cut by time.")
    summed = _nested(profiles, windows)
    if summed is None:
        raise BaselineDiffers(
            f"{name}: these profiles are cut into longer or other windows than those asked for. Profile the baseline "
            "again with the same windows, or finer ones."
        )
    return summed


def _nested(profiles: Profiles, windows: TimeWindows) -> Profiles | None:
    """Windows added up to longer ones; None where one of them would have to be cut."""
    starts = np.array([at.start for at in profiles.slices], dtype=np.int64)
    target = windows.start_of(starts)
    ends = windows.end_of(target)
    if any(at.end is None or at.end > end for at, end in zip(profiles.slices, ends.tolist(), strict=True)):
        return None
    to = {
        at: replace(at, start=start, end=end)
        for at, start, end in zip(profiles.slices, target.tolist(), ends.tolist(), strict=True)
    }
    return profiles.regrouped(to.get)


def _like_span(profiles: Profiles, model: Model, span: Span | None) -> Profiles | None:
    """Windows added up to about the span of the file under test: a calendar unit, else so many of them."""
    whole = span_of([profiles], model)
    wanted = like(span, whole)
    if wanted is None or span is None or any(at.start is None or at.end is None for at in profiles.slices):
        return None
    cut = _nested(profiles, wanted) if isinstance(wanted.unit, str) else None
    sizes = {at.end - at.start for at in profiles.slices if at.end is not None and at.start is not None}
    if cut is None and len(sizes) == 1:
        size, length = sizes.pop(), span[1] - span[0]
        many = round(length / size)
        if many and abs(many * size - length) <= ALIKE * length:
            cut = _nested(profiles, TimeWindows(many * size, max(at.end or 0 for at in profiles.slices)))
    return None if cut is None else without_stubs(cut, whole)


def _like_rows(profiles: Profiles, rows: int) -> Profiles | None:
    """Blocks added up to about as many rows as the file under test has."""
    size = _block(profiles)
    many = round(rows / size) if size else 0
    if not size or not many or abs(many * size - rows) > ALIKE * rows:
        return None
    cut = _in_blocks(profiles, many * size)
    return None if cut is None else without_short(cut, many * size)


def _in_blocks(profiles: Profiles, count: int) -> Profiles | None:
    """Blocks added up to blocks of `count` rows; None where they don't."""
    size = _block(profiles)
    if not size or count % size:
        return None
    if size == count:
        return profiles

    def to(at: Slice) -> Slice:
        first = (_first(at) - 1) // count * count
        return replace(at, label=f"rows {first + 1}-{first + count}")

    return profiles.regrouped(to)


def _block(profiles: Profiles) -> int:
    """How many rows a block has; 0 where windows are no blocks, or of several sizes."""
    ends = [_BLOCK.fullmatch(at.label or "") for at in profiles.slices]
    sizes = {int(end[2]) - int(end[1]) + 1 if end else 0 for end in ends}
    return sizes.pop() if len(sizes) == 1 else 0


def _first(at: Slice) -> int:
    end = _BLOCK.fullmatch(at.label or "")
    return int(end[1]) if end else 1


def _refuse_other_cuts(before: Sequence[Named], named: Named) -> None:
    """Raises `WindowsDiffer` where windows or segments are other ones; a file without rows has neither."""
    other, file = named
    for name, first in before:
        if not first.profiles.slices or not file.profiles.slices:
            continue
        for one, two, again in (
            (_cut(first), _cut(file), "with the same --by"),
            (_divided(first), _divided(file), "with the same --segment"),
        ):
            if one != two:
                raise WindowsDiffer(
                    f"{name} is {one} and {other} is {two}, so their counts can't be added. Profile both {again}."
                )


def _cut(file: ProfileFile) -> str:
    """How a file is cut into windows, in words."""
    kinds = set()
    for at in file.profiles.slices:
        if at.start is not None and at.end is not None:
            kinds.add(_LENGTHS.get(at.end - at.start, "months"))
        elif file.source == "blocks" and (block := _BLOCK.fullmatch(at.label or "")):
            kinds.add(f"blocks of {int(block[2]) - int(block[1]) + 1:,} rows")
        else:
            kinds.add("files")
    return "not cut (a window for each file)" if kinds == {"files"} else f"cut into {among(sorted(kinds), 5)}"


def _divided(file: ProfileFile) -> str:
    """By which columns a file's windows are divided, in words."""
    segments = {at.segment for at in file.profiles.slices if at.segment is not None}
    names = [name for name in file.model.columns if any(segment.startswith(f"{name}=") for segment in segments)]
    return f"divided by {among([f'`{name}`' for name in sorted(names)], 5)}" if names else "not divided into segments"


def _refuse_copies(before: Sequence[Named], named: Named) -> None:
    """Raises `CountedTwice` where files of the same bytes were profiled, and to the same counts.

    The bytes alone do not tell: two spans of one file may be profiled apart.
    """
    other, file = named
    for name, first in before:
        same = [label for digest, label in file.digests.items() if digest in first.digests]
        windows = set(first.profiles.slices) & set(file.profiles.slices)
        if same and windows and _equal(first.profiles, file.profiles, windows):
            raise CountedTwice(
                f"{name} and {other} both hold the rows of {shown(same[0])}, which would count twice. Name one of them."
            )


def _equal(one: Profiles, two: Profiles, windows: set[Slice]) -> bool:
    target = sorted(windows, key=lambda at: at.key)
    a, b = one.onto(target), two.onto(target)
    return np.array_equal(a.rows, b.rows) and all(
        np.array_equal(column.counts, b.columns[name].counts)  # type: ignore[attr-defined]
        for name, column in a.columns.items()
        if isinstance(column, NumericProfile)
    )
