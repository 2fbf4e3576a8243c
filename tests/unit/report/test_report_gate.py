"""A verdict of the gate on the terminal and as a page, from its JSON alone."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from watchkeeper.release.gate.verdict import Gate, as_dict, schema, write_schema
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import gate_chart, svg
from watchkeeper.report.gate_page import gate_html
from watchkeeper.report.gate_terminal import print_gate
from watchkeeper.report.gate_words import headline

HOSTILE = "<script>alert(1)</script>\x1b[31m`x`"
SEGMENT = {"metric": "roc_auc", "segment": HOSTILE, "value": 0.9, "live": 0.8, "difference": 0.1, "rows": 500}
SEGMENT |= {"difference_low": 0.05, "difference_high": 0.15, "margin": 0.03}
RECALL = {
    "value": 0.8,
    "low": 0.7,
    "high": 0.9,
    "rows": 900,
    "groups": {"sex": [{"group": "a<b>", "value": 0.6, "low": 0.5, "high": 0.7, "rows": 300}]},
}
GAP = {"metric": "recall", "groups": ["a", "b"], "rows": [300, 400], "bound": 0.1, "difference": -0.02}
GAP |= {"low": -0.05, "high": 0.01}


def gate(outcome=Outcome.FAIL, **more):
    checks = (
        Checked("skill", outcome, f"It has no skill: {HOSTILE}", "Look for a broken feature."),
        Checked("segments", Outcome.PASS, "No worse.", facts={"column": "country", **SEGMENT}),
        Checked("group_gap", Outcome.PASS, "Even.", facts={"column": "sex", "claims": [{**GAP, "outcome": "PASS"}]}),
        Checked("threshold", Outcome.PASS, "To find at least 90 %: met from a score of 0.3 on."),
        Checked(
            "latency",
            Outcome.PASS,
            "Quick.",
            facts={"p95": 0.004, "live_p95": 0.003, "calls": 200, "bound_ms": None, "bound_ratio": 2.0},
        ),
        Checked("memory", Outcome.PASS, "Small.", facts={"bytes": 2e8, "live_bytes": None, "bound_ratio": 2.0}),
    )
    metric = {"value": 0.9, "low": 0.88, "high": 0.92, "rows": 900, "live": 0.85, "difference": 0.05, "margin": 0.01}
    metric |= {"difference_low": 0.03, "difference_high": float("nan"), "naive": 0.5}
    curve = [{"threshold": i / 9, "recall": 1 - i / 9, "precision": None if i == 9 else i / 9} for i in range(10)]
    given = {
        "model": "bikes",
        "version": "v2",
        "live": "v1",
        "outcome": outcome,
        "checks": checks,
        "metrics": {
            "roc_auc": metric,
            "log_loss": {"value": 0.3, "low": 0.2, "high": 0.4, "rows": 900},
            "recall": RECALL,
        },
        "thresholds": {"score": 0.3, "curve": curve},
        "holdout": {"name": f"{HOSTILE}.csv", "rows": 1_000, "used": 900, "bad": 40, "unlabelled": 60, "left_over": 0}
        | {"sha256": "ab" * 32, "from": 0, "to": 86_400_000_000},
        "notes": (HOSTILE,),
        "at": 86_400_000_000,
        "seconds": 1.5,
    }
    return Gate(**(given | more))


def printed(verdict, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_gate(as_dict(verdict), console)
    return console.file.getvalue()


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))


def test_the_json_is_as_its_published_schema_says(tmp_path):
    jsonschema.validate(as_dict(gate()), schema())
    assert as_dict(gate())["metrics"]["roc_auc"]["difference_high"] is None
    assert as_dict(gate())["at"] == "1970-01-02T00:00:00Z"
    write_schema(tmp_path / "gate.schema.json")
    published = Path(__file__).parents[3] / "docs" / "reference" / "gate.schema.json"
    assert json.loads(published.read_text()) == json.loads((tmp_path / "gate.schema.json").read_text())


def test_the_page_holds_no_script_and_nothing_from_elsewhere_whatever_the_names():
    page = gate_html(as_dict(gate()))
    parsed = Tags()
    parsed.feed(page)
    assert not [tag for tag, _ in parsed.seen if tag in ("script", "link", "img", "iframe")]
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    policy = next(a["content"] for t, a in parsed.seen if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_each_judged_metric_the_threshold_and_the_service_have_a_picture():
    pictures = re.findall(r'<svg viewBox="0 0 320[^>]*aria-label="([^"]*)"', gate_html(as_dict(gate())))
    assert pictures == [
        "roc_auc of v2",
        "recall over the threshold",
        "precision over the threshold",
        "95th percentile of a single prediction",
        "memory of the model&#39;s process",
    ]


def test_the_page_tells_segments_and_pairs_of_groups_one_by_one():
    page = gate_html(as_dict(gate()))
    assert "By segment" in page
    assert "sex: a and b" in page
    assert "Rates of protected groups" in page
    assert "sex: a&lt;b&gt;</th><td>recall</td><td>0.6</td><td>0.5 to 0.7</td><td>300</td>" in page
    assert "300 and 400" in page


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_says_the_verdict_first_then_the_reasons_then_the_metrics(width):
    text = printed(gate(), width)
    assert text.startswith("■ FAIL: v2 must not go live")
    assert text.index("skill:") < text.index("roc_auc")
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "60 without a label and 40 bad left out" in " ".join(text.split())


def test_a_pass_says_what_to_do_next_and_a_doubt_says_that_it_is_none():
    assert "watchkeeper release bikes v2" in printed(gate(Outcome.PASS))
    assert "watchkeeper release" not in printed(gate(Outcome.INCONCLUSIVE))


def test_each_outcome_says_plainly_what_was_shown_and_by_how_many_checks():
    assert headline(as_dict(gate(Outcome.PASS))) == (
        "v2 may go live: it was shown to be no worse than the live v1 by more than the margin (roc_auc 0.01), and all "
        "6 checks pass."
    )
    alone = gate(Outcome.PASS, live=None, metrics={"roc_auc": {"value": 0.9, "naive": 0.5, "rows": 900}})
    better = "v2 may go live: it was shown to do better than a naive baseline, and all 6 checks pass."
    assert headline(as_dict(alone)) == better
    failed = "v2 must not go live: it failed 1 of 6 checks (skill)."
    assert headline(as_dict(gate(Outcome.FAIL))) == failed
    assert headline(as_dict(gate(Outcome.INCONCLUSIVE))) == (
        "v2 was not shown to be fit to go live: 1 of 6 checks can't be decided by these rows (skill), and none failed."
    )


@given(st.floats(-1e6, 1e6), st.floats(1e-5, 1e6), st.integers(1, 6))
def test_an_axis_has_at_least_two_ticks_within_it_and_labels_that_differ(low, size, most):
    found = svg.ticks(low, low + size, most)
    assert len(found) >= 2
    assert len(found) <= max(most, 4) + 1
    slack = 1e-6 * size + 1e-9
    assert all(low - slack <= tick <= low + size + slack for tick in found)


@pytest.mark.parametrize("value", [0.2145, 0.98127, 0.5, 123_456.0, 0.9999])
def test_the_axis_of_a_metric_always_tells_its_scale(value):
    """Of near values three digits are too few, and of some spans one round number alone lies within."""
    for width in (1e-5, 1e-4, 3e-4, 1e-3, 0.0123, 0.05, 0.3):
        size = width * value
        one = {"value": value, "low": value - size, "high": value + size, "live": value - size / 3, "margin": size / 2}
        one |= {"difference": size / 3, "difference_low": size / 4, "difference_high": size / 2}
        picture = str(gate_chart.metric("brier", one, "v2", "v1"))
        ticks = re.findall(r'class="t m">([^<]*)<', picture)
        assert len(ticks) == len(set(ticks)) >= 2, (width, ticks)


def test_a_verdict_without_metrics_live_model_or_times_is_shown_too():
    bare = gate(metrics={}, thresholds={}, live=None, holdout={**gate().holdout, "from": None, "to": None})
    assert "no version is live" in printed(bare)
    assert "Quality on the held-out rows" not in gate_html(as_dict(bare))
