"""Model card: what is known of a version, from what was logged: nothing in it is made up, and gaps are named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper.model import Model, Role, WatchkeeperError
from watchkeeper.model.clock import clock, instant
from watchkeeper.model.yaml_file import parse as read_model
from watchkeeper.people.gap import gaps
from watchkeeper.release import registry
from watchkeeper.release.overview import deployed, described
from watchkeeper.report import mask
from watchkeeper.state import alarm, deployment
from watchkeeper.state import gate as gates
from watchkeeper.state import model as models
from watchkeeper.state.deployment import Deployment
from watchkeeper.state.gate import Gated
from watchkeeper.state.version import Version
from watchkeeper.watch.home import Home, opened
from watchkeeper.watch.period import moment

SCHEMA_VERSION = 1
"""Raised when a script that reads the JSON would have to change."""
MOST_ALARMS = 20
DAY = 86_400
Facts = dict[str, Any]
Turn = tuple[Deployment, int | None]


class NotYetRegistered(WatchkeeperError):
    """A card is asked for a time before its version was registered."""


@dataclass(frozen=True, repr=False)
class Card:
    """The card of a version, as it stands at a moment. The same state and moment give the same card, to the letter."""

    facts: Facts
    """All that it says, as JSON holds it."""

    def __repr__(self) -> str:
        """In short."""
        return f"<Card {self.facts['model']} {self.facts['version']['version']} at {self.facts['at']}>"

    def to_json(self) -> str:
        """As `card --json` prints it."""
        return json.dumps(self.facts, indent=2)

    def to_markdown(self, path: str | Path | None = None) -> str:
        """The text; written to `path` too where one is given, whole or not at all."""
        from watchkeeper.model import replacing
        from watchkeeper.people.card_words import document
        from watchkeeper.report.document import to_markdown

        text = to_markdown(document(self.facts))
        if path is not None:
            with replacing(Path(path)) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return text

    def to_html(self, path: str | Path | None = None) -> str:
        """The page; written to `path` too where one is given, whole or not at all."""
        from watchkeeper.people.card_words import document
        from watchkeeper.report.document_html import to_html, write_html

        page = document(self.facts)
        if path is not None:
            write_html(page, path)
        return to_html(page)


def card(model: str, version: str, *, at: str | datetime | None = None, home: str | Path | None = None) -> Card:
    """The card of a version, as of a time or now: `watchkeeper.card("hotel-cancel", "v8").to_markdown("card.md")`.

    `home`: without it $WATCHKEEPER_HOME, else `.watchkeeper`. Raises `WatchkeeperError`.
    """
    text = at.isoformat() if isinstance(at, datetime) else at
    with opened(home) as where:
        return carded(where, model, version, now=clock() if text is None else moment(text))


def carded(home: Home, model: str, version: str, *, now: int) -> Card:
    """The card as of `now`, in µs. Raises `NoSuchModel`, `NoSuchVersion`, `NotYetRegistered`."""
    home.model(model)
    registered = registry.one(home, model, version)
    if registered.at > now:
        raise NotYetRegistered(
            f"{version} of {model} was registered on {instant(registered.at)}, "
            f"so there is no card of it on {instant(now)}."
        )
    declared = models.get(home.store, model, now)
    known = home.model(model) if declared is None else read_model(declared.yaml, f"{model}, {declared.revision}")
    verdict = gates.latest(home.store, model, version, now)
    log = deployment.log(home.store, model, now)
    turns = _turns(log, version)
    facts: Facts = {
        "schema_version": SCHEMA_VERSION,
        "model": model,
        "at": instant(now),
        "revision": None if declared is None else declared.revision,
        "task": known.task.value,
        "positive": known.positive,
        "charter": known.charter.model_dump(exclude_defaults=True),
        "columns": _columns(known),
        "version": described(registered),
        "age_days": (now - registered.at) / 1e6 / DAY,
        "data_age_days": _data_age(registered, now),
        "gate": _gate(verdict, known),
        "deployments": _deployments(turns),
        "live": bool(log) and log[-1].version == version,
        "alarms": _alarms(home, known, version, turns, now),
        "contract": {"inputs": _inputs(known, registered), "outputs": _outputs(known)},
    }
    return Card(facts | {"unknown": gaps(facts)})


def _columns(model: Model) -> list[Facts]:
    """What each column is; no value of any."""
    return [
        {"name": name, "type": column.type.value, "role": column.role.value, "pii": column.pii}
        | ({"importance": model.importance[name]} if name in model.importance else {})
        for name, column in model.columns.items()
    ]


def _data_age(version: Version, now: int) -> float | None:
    """Days since the end of the data that it learned from."""
    end = (version.detail["lineage"].get("data") or {}).get("to")
    return None if end is None else (now - moment(end)) / 1e6 / DAY


def _gate(verdict: Gated | None, model: Model) -> Facts | None:
    """The newest verdict, without values of personal columns."""
    if verdict is None:
        return None
    result = dict(verdict.result)
    hidden = set(mask.hidden(model, model.columns))
    checks = [_check(check, hidden) for check in result.get("checks", ())]
    metrics = {name: _metric(metric, hidden) for name, metric in dict(result.get("metrics", {})).items()}
    return {
        "number": verdict.id,
        "outcome": verdict.outcome,
        "at": instant(verdict.at),
        "who": verdict.who,
        "live": result.get("live"),
        "holdout": result.get("holdout") or {},
        "metrics": metrics,
        "thresholds": {name: one for name, one in dict(result.get("thresholds") or {}).items() if name != "curve"},
        "checks": checks,
        "notes": list(result.get("notes") or ()),
    }


def _check(check: Mapping[str, Any], hidden: set[str]) -> Facts:
    """A check, whose sentence is not told where it may hold a personal value."""
    told = {name: check.get(name, "") for name in ("name", "outcome", "sentence", "remedy")}
    facts = check.get("facts") or {}
    if hidden & {str(facts.get("column")), *map(str, facts.get("columns") or ())}:
        told["sentence"] = f"About {facts.get('column')}: its values are personal and not shown."
    return told


def _metric(metric: Mapping[str, Any], hidden: set[str]) -> Facts:
    """A metric, its segments and groups numbered where their values are personal."""
    told = dict(metric)
    for kind, key in (("segments", "segment"), ("groups", "group")):
        if isinstance(told.get(kind), Mapping):
            told[kind] = {
                column: [
                    {**part, key: f"({mask.MASKED} {i + 1})"} if column in hidden else dict(part)
                    for i, part in enumerate(parts)
                ]
                for column, parts in told[kind].items()
            }
    return told


def _deployments(turns: Sequence[Turn]) -> list[Facts]:
    """When it was live: who put it there and why, and until when."""
    return [deployed(one) | {"until": None if end is None else instant(end)} for one, end in turns]


def _turns(log: Sequence[Deployment], version: str) -> list[Turn]:
    """The rows that put a version live, each with the time at which another one followed."""
    ends = [*(after.at for after in log[1:]), None]
    return [(one, end) for one, end in zip(log, ends, strict=False) if one.version == version]


def _alarms(home: Home, model: Model, version: str, turns: Sequence[Turn], now: int) -> Facts:
    """Alarms that began while it was live, newest first; how many there were in all."""
    held = [
        one
        for one in alarm.history(home.store, model.name)
        if one.key.version in (None, version)
        and one.at <= now
        and any(live.at < one.window[1] and one.window[0] < (end or now) for live, end in turns)
    ]
    shown = mask.masked_segments(model, [one.key.segment for one in held if one.key.segment])
    told = [
        {
            "check": one.key.check,
            "metric": one.key.metric,
            "columns": list(one.key.columns),
            "segment": shown.get(one.key.segment, one.key.segment) if one.key.segment else None,
            "since": instant(one.window[0]),
            "until": None if one.ended is None or one.ended > now else instant(one.ended),
            "message": _message(one.finding, model, shown),
        }
        for one in held[:MOST_ALARMS]
    ]
    return {"count": len(held), "newest": told}


def _message(finding: Mapping[str, Any], model: Model, segments: Mapping[str, str]) -> str:
    return str(mask.entry(finding, model, segments)["message"]) if finding.get("message") else ""


def _inputs(model: Model, version: Version) -> list[Facts]:
    """What a request holds."""
    told = []
    for name in version.detail.get("inputs") or ():
        column = model.columns.get(name)
        if column is None:
            told.append({"name": name, "type": None, "declared": {}})
            continue
        names = ("nullable", "minimum", "maximum", "allowed", "min_length", "max_length", "pattern")
        kept = {field: getattr(column, field, None) for field in names}
        declared = {
            field: f"({mask.MASKED})" if column.pii and field != "nullable" else _plain(value)
            for field, value in kept.items()
            if value is not None
        }
        told.append({"name": name, "type": column.type.value, "declared": declared})
    return told


def _outputs(model: Model) -> list[Facts]:
    """What an answer holds."""
    label = model.only(Role.LABEL)
    kind = model.columns[label].type.value if label is not None else None
    told = [{"name": "prediction", "type": kind if model.task in ("binary", "multiclass") else "number"}]
    return [*told, {"name": "score", "type": "number"}] if model.task in ("binary", "multiclass") else told


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
