"""Gaps: what a model card would tell, and nobody logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]

_CHARTER = {
    "goal": "what the model is for",
    "business_metric": "by which figure of the business it is measured",
    "owners": "who answers for it",
    "users": "who uses its answers",
    "out_of_scope": "what it must not be used for",
    "ethics": "what harm it may do",
}
STALE = 180.0
"""Days after which data are called old."""


def gaps(facts: Facts) -> list[str]:
    """What is not known of a version, each a sentence with the way to make it known."""
    return [*_of_charter(facts), *_of_lineage(facts), *_of_gate(facts), *_of_use(facts)]


def stale(facts: Facts) -> list[str]:
    """What age says against a version."""
    days = facts["data_age_days"]
    if days is not None and days >= STALE:
        return [f"The newest data that it learned from are {days:,.0f} days old."]
    return []


def _of_charter(facts: Facts) -> Iterator[str]:
    silent = [words for name, words in _CHARTER.items() if not facts["charter"].get(name)]
    if silent:
        yield f"The charter does not say {_joined(silent)}: write it under charter: in the model's YAML."


def _of_lineage(facts: Facts) -> Iterator[str]:
    version = facts["version"]
    lineage = version.get("lineage") or {}
    data = lineage.get("data") or {}
    if not lineage.get("commit"):
        yield "The commit that it was trained with is not known: register it from a git checkout."
    elif lineage.get("dirty"):
        yield "It was trained with changes that were not committed, so the code can't be had again for sure."
    if not data.get("from") and not data.get("to"):
        yield "The period of its training data is not known: register it with --data-from and --data-to."
    if not lineage.get("parameters"):
        yield "Its hyper-parameters were not logged."
    if not version.get("artifact") and not version.get("function_sha256"):
        yield "It has no file that is kept here, so what answers under its name may change without notice."


def _of_gate(facts: Facts) -> Iterator[str]:
    gate = facts["gate"]
    if gate is None:
        yield "It was never gated, so no metric of it is known: watchkeeper gate measures them on held-out rows."
        return
    if not gate["metrics"]:
        yield "The newest verdict of the gate holds no metric."
    roles = {column["role"] for column in facts["columns"]}
    if not any(metric.get("segments") for metric in gate["metrics"].values()):
        yield "No metric was measured by segment."
    if "protected" not in roles:
        yield "No column has the role protected, so nothing is known of how it treats groups of people."


def _of_use(facts: Facts) -> Iterator[str]:
    if not facts["deployments"]:
        yield "It was never live, so nothing is known of how it does in use."


def _joined(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
