"""A model card in words: sections of sentences and tables, from its facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper.people.gap import stale
from watchkeeper.report import words
from watchkeeper.report.document import Block, Document, Items, Section, Table

Facts = Mapping[str, Any]

_CHARTER = {
    "goal": "Goal",
    "business_metric": "Business metric",
    "metrics": "Metrics that stand for it",
    "level": "Level needed",
    "value": "Value",
    "feasibility": "Feasibility",
    "owners": "Owners",
    "users": "Users",
    "out_of_scope": "Out of scope",
    "ethics": "Ethics",
}
_FITTED = frozenset(
    {"catboost", "keras", "lightgbm", "numpy", "onnx", "pandas", "polars", "pyspark", "scikit-learn", "skl2onnx"}
    | {"statsmodels", "tensorflow", "torch", "transformers", "xgboost"}
)
"""Packages that decide what a model is; the JSON has all."""
ACTIONS = {"release": "released", "force": "released by force", "rollback": "rolled back to"}
MOST_SETTINGS = 40


def document(facts: Facts) -> Document:
    """The card."""
    sections = [
        Section("Charter", list(_charter(facts))),
        Section("Version", list(_version(facts))),
        Section("Training data", list(_data(facts))),
        Section("Quality", list(_quality(facts))),
        Section("Verdict of the gate", list(_gate(facts))),
        Section("Deployments", list(_deployments(facts))),
        Section("Alarms while it was live", list(_alarms(facts))),
        Section("Inputs and outputs", list(_contract(facts))),
        Section("Columns", list(_columns(facts))),
        Section("What is not known", [Items(facts["unknown"])] if facts["unknown"] else ["Nothing is missing here."]),
    ]
    version = facts["version"]["version"]
    foot = f"Written from what was logged by {_day(facts['at'])}; declaration {facts['revision'] or 'unknown'}."
    return Document(f"{facts['model']} {version}", _lead(facts), sections, foot)


def _lead(facts: Facts) -> str:
    gate = facts["gate"]
    state = "It is live." if facts["live"] else "It is not live."
    verdict = "It was never gated." if gate is None else f"The gate said {gate['outcome']} on {_day(gate['at'])}."
    goal = facts["charter"].get("goal")
    return " ".join([*([goal if goal.endswith(".") else f"{goal}."] if goal else []), state, verdict, *stale(facts)])


def _charter(facts: Facts) -> Iterator[Block]:
    charter = facts["charter"]
    if not charter:
        yield "The model has no charter."
        return
    rows = []
    for name, title in _CHARTER.items():
        said = charter.get(name)
        if said:
            rows.append((title, "; ".join(said) if isinstance(said, list) else said))
    yield Table(("", ""), rows)


def _version(facts: Facts) -> Iterator[Block]:
    version = facts["version"]
    lineage = version.get("lineage") or {}
    environment = lineage.get("environment") or {}
    packages = environment.get("packages") or {}
    fitted = [f"{name} {packages[name]}" for name in sorted(_FITTED & set(packages))]
    more = len(packages) - len(fitted)
    installed = [*fitted, *([f"and {more:,} more packages"] if more > 0 else [])]
    rows = [
        (
            "Task",
            facts["task"] + (f", positive is {_said(facts['positive'])}" if facts["positive"] is not None else ""),
        ),
        (
            "Registered",
            f"{_day(version['registered'])} by {version['who']}, {_days(facts['age_days'])} before this card",
        ),
        ("Format", version["format"]),
        ("File", _file(version)),
        ("SHA-256", version.get("artifact") or version.get("function_sha256") or "no file"),
        ("Commit", _commit(lineage)),
        ("Python", str(environment.get("python") or "not known")),
        ("Packages", ", ".join(installed) or "not known"),
    ]
    yield Table(("", ""), rows)
    for title, settings in (("Parameter", lineage.get("parameters")), ("Setting", lineage.get("config"))):
        if settings:
            yield Table(
                (title, "Value"), [(str(name), _said(value)) for name, value in list(settings.items())[:MOST_SETTINGS]]
            )
            if len(settings) > MOST_SETTINGS:
                yield f"{len(settings) - MOST_SETTINGS:,} more are in the JSON."


def _data(facts: Facts) -> Iterator[Block]:
    data = (facts["version"].get("lineage") or {}).get("data") or {}
    if not any(data.values()):
        yield "Nothing was logged of the data that it learned from."
        return
    age = facts["data_age_days"]
    files = data.get("files") or []
    rows = [
        ("From", _day(data["from"]) if data.get("from") else "not known"),
        (
            "To",
            (_day(data["to"]) + (f", {_days(age)} before this card" if age else "")) if data.get("to") else "not known",
        ),
        ("Rows", f"{data['rows']:,}" if data.get("rows") is not None else "not known"),
        ("Files", ", ".join(map(_said, files)) if files else "not known"),
        ("SHA-256", _said(data["sha256"]) if data.get("sha256") else "not known"),
    ]
    yield Table(("", ""), rows)


def _quality(facts: Facts) -> Iterator[Block]:
    gate = facts["gate"]
    trained = (facts["version"].get("lineage") or {}).get("metrics") or {}
    if gate is not None and gate["metrics"]:
        yield _held_out(gate["holdout"])
        head = ("Metric", "Value", "Interval", "Live model", "Naive", "Rows")
        rows = [
            (
                name,
                _number(one.get("value")),
                _interval(one),
                _number(one.get("live")),
                _number(one.get("naive")),
                _count(one.get("rows")),
            )
            for name, one in gate["metrics"].items()
        ]
        yield Table(head, rows, frozenset({1, 2, 3, 4, 5}))
        for kind, key, part in (("segments", "segment", "Segment"), ("groups", "group", "Protected group")):
            parts = list(_parts(gate["metrics"], kind, key))
            if parts:
                heads = (part, "Metric", "Value", "Interval", "Live model", "Rows")
                yield Table(heads, parts, frozenset({2, 3, 4, 5}))
        if gate["thresholds"]:
            yield Table(("Threshold", "Value"), [(name, _figures(value)) for name, value in gate["thresholds"].items()])
    else:
        yield "No metric was measured by the gate."
    if trained:
        yield "As the training script told, and nobody checked:"
        yield Table(("Metric", "Value"), [(name, _number(value)) for name, value in trained.items()], frozenset({1}))


def _parts(metrics: Facts, kind: str, key: str) -> Iterator[Sequence[str]]:
    for name, metric in metrics.items():
        for column, parts in (metric.get(kind) or {}).items():
            for part in parts:
                yield (
                    f"{column}={_said(part.get(key))}",
                    name,
                    _number(part.get("value")),
                    _interval(part),
                    _number(part.get("live")),
                    _count(part.get("rows")),
                )


def _gate(facts: Facts) -> Iterator[Block]:
    gate = facts["gate"]
    if gate is None:
        yield "It was never gated."
        return
    against = f"held against {gate['live']}" if gate["live"] else "held against a naive baseline alone"
    yield f"{gate['outcome']} on {_day(gate['at'])} (verdict {gate['number']}, asked for by {gate['who']}), {against}."
    yield Table(
        ("Check", "Outcome", "What was found"),
        [(one["name"], one["outcome"], one["sentence"]) for one in gate["checks"]],
    )
    if gate["notes"]:
        yield Items(gate["notes"])


def _deployments(facts: Facts) -> Iterator[Block]:
    if not facts["deployments"]:
        yield "It was never live."
        return
    rows = [
        (
            _minute(one["at"]),
            _minute(one["until"]) if one["until"] else "live",
            ACTIONS[one["action"]],
            one["who"],
            one["why"],
        )
        for one in facts["deployments"]
    ]
    yield Table(("From", "Until", "How", "Who", "Why"), rows)


def _alarms(facts: Facts) -> Iterator[Block]:
    alarms = facts["alarms"]
    if not facts["deployments"]:
        yield "It was never live."
        return
    if not alarms["count"]:
        yield "None."
        return
    rows = [
        (_minute(one["since"]), _until(one["until"], "fires"), one["message"] or one["metric"])
        for one in alarms["newest"]
    ]
    yield f"{words.plural(alarms['count'], 'alarm')} began" + (
        f"; the newest {len(rows)}:" if alarms["count"] > len(rows) else "."
    )
    yield Table(("Since", "Until", "What"), rows)


def _contract(facts: Facts) -> Iterator[Block]:
    inputs = facts["contract"]["inputs"]
    if inputs:
        rows = [(one["name"], one["type"] or "not declared", _declared(one["declared"])) for one in inputs]
        yield Table(("Input", "Type", "Declared"), rows)
    else:
        yield "Its inputs are not known."
    yield Table(("Output", "Type"), [(one["name"], one["type"] or "not known") for one in facts["contract"]["outputs"]])


def _columns(facts: Facts) -> Iterator[Block]:
    rows = []
    for one in facts["columns"]:
        notes = ["personal"] if one["pii"] else []
        notes += [f"importance {words.percent(one['importance'])}"] if "importance" in one else []
        rows.append((one["name"], one["type"], one["role"], ", ".join(notes)))
    yield Table(("Column", "Type", "Role", "Notes"), rows)


def _held_out(holdout: Facts) -> str:
    name, used = holdout.get("name"), holdout.get("used")
    rows = f"{words.plural(used, 'row')} of " if isinstance(used, int) else ""
    ends = [_day(holdout[end]) for end in ("from", "to") if holdout.get(end)]
    span = f", {' to '.join(dict.fromkeys(ends))}" if ends else ""
    return f"Measured by the gate on {rows}{name or 'held-out rows'}{span}; intervals are those of the gate."


def _declared(declared: Facts) -> str:
    return "; ".join(f"{name} {_said(value)}" for name, value in declared.items()) or "nothing"


def _figures(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_figures(one)}" for name, one in value.items() if one is not None)
    return _said(value)


def _said(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return words.MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return words.number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_said(one)}" for name, one in value.items())
    return str(value)


def _number(value: Any) -> str:
    return words.number(value) if isinstance(value, int | float) and not isinstance(value, bool) else words.MISSING


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else words.MISSING


def _interval(one: Facts) -> str:
    low, high = one.get("low"), one.get("high")
    return words.MISSING if low is None or high is None else f"{words.number(low)} to {words.number(high)}"


def _file(version: Facts) -> str:
    code = Path(version.get("function") or "none").name
    if not version.get("file"):
        return str(version.get("url") or code)
    told = f"{version['file']}, {words.size(version['size'])}" if version.get("size") else str(version["file"])
    return f"{told}, for {code}" if version.get("function") else told


def _commit(lineage: Facts) -> str:
    commit = lineage.get("commit")
    return (
        "not known"
        if not commit
        else f"{commit}{', with changes that were not committed' if lineage.get('dirty') else ''}"
    )


def _days(days: float) -> str:
    return "less than a day" if days < 1 else words.plural(round(days), "day")


def _until(text: str | None, still: str) -> str:
    return _minute(text) if text else still


def _day(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at.day} {at:%B} {at.year}"


def _minute(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at:%Y-%m-%d %H:%M} UTC"
