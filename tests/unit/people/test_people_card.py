"""The model card says what was logged, names what was not, and no name in it can do anything."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import gated
import hotel
import watchkeeper
from watchkeeper.cli.app import app
from watchkeeper.people.card import NotYetRegistered, carded
from watchkeeper.release import registry
from watchkeeper.release.registry import NoSuchVersion
from watchkeeper.report.document import escaped
from watchkeeper.state import alarm
from watchkeeper.state import gate as gates
from watchkeeper.state import model as models

DAY = hotel.DAY
AT = hotel.micro(20)
HOSTILE = '<script>alert(1)</script> [x](javascript:alert(1)) `rm` \x1b[31m | "q" & #1 https://evil.example'
CHARTER = """\
charter:
  goal: Fewer empty rooms
  business_metric: Nights sold
  metrics: [recall]
  level: recall of 0.8
  value: 2 % more nights
  feasibility: Two years of bookings
  owners: [ann@example.org]
  users: [the front desk]
  out_of_scope: [prices for single guests]
  ethics: [No guest is refused]
"""
LINEAGE = {
    "commit": "0123456789abcdef",
    "dirty": False,
    "environment": {"python": "3.12.1", "packages": {"scikit-learn": "1.7.0", "zzz": "1"}},
    "parameters": {"C": 0.5},
    "config": {},
    "data": {
        "from": "2025-01-01T00:00:00Z",
        "to": "2026-01-01T00:00:00Z",
        "files": ["a.csv"],
        "rows": 900,
        "sha256": "ab",
    },
    "metrics": {"accuracy": 0.75},
    "thresholds": {"threshold": 0.4},
}
VERDICT = {
    "live": "v0",
    "outcome": "PASS",
    "holdout": {"name": "latest.parquet", "used": 700, "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z"},
    "metrics": {
        "roc_auc": {
            "value": 0.871,
            "low": 0.85,
            "high": 0.89,
            "rows": 700,
            "live": 0.86,
            "naive": 0.5,
            "segments": {
                "country": [{"segment": "DE", "value": 0.81, "low": 0.7, "high": 0.9, "rows": 300, "live": 0.8}]
            },
            "groups": {"country": [{"group": "DE", "value": 0.62, "low": 0.5, "high": 0.7, "rows": 300}]},
        }
    },
    "thresholds": {"threshold": 0.4},
    "checks": [
        {"name": "skill", "outcome": "PASS", "sentence": "It has skill.", "remedy": "", "facts": {}},
        {
            "name": "segments",
            "outcome": "PASS",
            "sentence": "DE is fine.",
            "remedy": "",
            "facts": {"column": "country"},
        },
    ],
    "notes": ["No request was recorded."],
}


def register(home, name=None, lineage=LINEAGE, at=AT, who="ann"):
    more = {"function": a_function(home), "inputs": ["nights", "price"], "version": name}
    return registry.register(home, "hotel", lineage=lineage, now=at, who=who, **more)


def a_function(home):
    code = home.folder / "pipeline.py"
    code.write_text("def predict(rows):\n    return [True] * len(rows)\n")
    return f"{code}:predict"


@pytest.fixture
def home(tmp_path):
    with hotel.home(tmp_path, hotel.YAML + CHARTER) as made:
        yield made


def test_a_bare_version_has_a_card_that_names_what_is_not_known(tmp_path):
    with hotel.home(tmp_path) as home:
        register(home, lineage={})
        card = carded(home, "hotel", "v1", now=AT + DAY)
        text = card.to_markdown()
    assert "It was never gated" in text
    assert "The model has no charter." in text
    unknown = " ".join(card.facts["unknown"])
    for gap in ("what the model is for", "commit", "period of its training data", "hyper-parameters", "never live"):
        assert gap in unknown
    assert card.facts["gate"] is None
    assert card.facts["alarms"] == {"count": 0, "newest": []}


def test_what_was_logged_is_on_the_card(home):
    register(home)
    gates.add(home.store, "hotel", "v1", "PASS", VERDICT, AT + 1, "ann")
    registry.release(home, "hotel", "v1", now=AT + 2, who="bob")
    text = carded(home, "hotel", "v1", now=AT + DAY).to_markdown()
    for said in (
        "Fewer empty rooms",
        "Nights sold",
        "prices for single guests",
        "0123456789abcdef",
        "scikit-learn 1.7.0, and 1 more packages",
        "| roc_auc | 0.871 | 0.85 to 0.89 | 0.86 | 0.5 | 700 |",
        "| country=DE | roc_auc | 0.81 | 0.7 to 0.9 | 0.8 | 300 |",
        "| country=DE | roc_auc | 0.62 | 0.5 to 0.7 | – | 300 |",
        "| threshold | 0.4 |",
        "| accuracy | 0.75 |",
        "PASS on 22 March 2026 (verdict 1, asked for by ann), held against v0.",
        "700 rows of latest.parquet, 1 March 2026 to 8 March 2026",
        "| 2026-03-22 00:00 UTC | live | released | bob | the gate said PASS |",
        "No request was recorded.",
        "1 January 2025",
    ):
        assert said in text, said


def test_the_card_of_a_moment_is_the_same_whatever_came_later(home, tmp_path):
    register(home)
    gates.add(home.store, "hotel", "v1", "FAIL", VERDICT | {"outcome": "FAIL"}, AT + 1, "ann")
    before = carded(home, "hotel", "v1", now=AT + 5)
    gates.add(home.store, "hotel", "v1", "PASS", VERDICT, AT + 10, "ann")
    registry.release(home, "hotel", "v1", now=AT + 11, who="bob")
    models.put(home.store, "hotel", hotel.YAML, AT + 12, "eve")
    again = carded(home, "hotel", "v1", now=AT + 5)
    assert again.facts == before.facts
    assert again.to_markdown() == before.to_markdown()
    assert again.to_html() == before.to_html()
    assert "charter" in before.to_markdown().lower()
    later = carded(home, "hotel", "v1", now=AT + 20)
    assert later.facts["live"] is True
    assert later.facts["charter"] == {}
    with pytest.raises(NotYetRegistered, match="no card"):
        carded(home, "hotel", "v1", now=AT - 1)
    with pytest.raises(NoSuchVersion):
        carded(home, "hotel", "v9", now=AT)


def test_deployments_tell_from_when_to_when_and_alarms_only_those_while_it_was_live(home):
    register(home)
    register(home, at=AT + 1)
    registry.release(home, "hotel", "v1", force="first", now=AT + DAY, who="ann")
    registry.release(home, "hotel", "v2", force="better", now=AT + 3 * DAY, who="bob")
    registry.rollback(home, "hotel", why="errors", now=AT + 5 * DAY, who="eve")
    for day in range(7):
        key = alarm.Key("shape", "shape", (f"c{day}",))
        window = (AT + day * DAY, AT + (day + 1) * DAY)
        alarm.put(home.store, "hotel", window, [alarm.Judged(key, True, finding(f"c{day} moved"))], window[1])
    first, second = (carded(home, "hotel", version, now=AT + 7 * DAY) for version in ("v1", "v2"))
    assert [(one["action"], one["until"] is None) for one in first.facts["deployments"]] == [
        ("force", False),
        ("rollback", True),
    ]
    assert [one["columns"] for one in first.facts["alarms"]["newest"]] == [["c6"], ["c5"], ["c2"], ["c1"]]
    assert [one["columns"] for one in second.facts["alarms"]["newest"]] == [["c4"], ["c3"]]
    assert "released by force" in first.to_markdown()
    assert "c6 moved" in first.to_markdown()


def finding(message):
    return {
        "kind": "change",
        "check": "shape",
        "metric": "shape",
        "columns": [],
        "severity": "alarm",
        "message": message,
        "remedy": "",
        "segment": None,
    }


def test_old_data_are_remarked_on(home):
    register(home)
    card = carded(home, "hotel", "v1", now=AT + 200 * DAY)
    assert "days old" in card.to_markdown()
    assert card.facts["data_age_days"] > 200


def test_personal_values_are_not_on_the_card(tmp_path):
    yaml = hotel.YAML.replace(
        "country: {type: string}", "country: {type: string, pii: true, role: segment, allowed: [DE, FR, IT]}"
    )
    with hotel.home(tmp_path, yaml) as home:
        registry.register(
            home, "hotel", function=a_function(home), inputs=["nights", "country"], lineage=LINEAGE, now=AT, who="ann"
        )
        gates.add(home.store, "hotel", "v1", "PASS", VERDICT, AT + 1, "ann")
        card = carded(home, "hotel", "v1", now=AT + 2)
    for text in (card.to_markdown(), card.to_html(), card.to_json()):
        assert "country=DE" not in text
        assert "DE is fine" not in text
        assert '"DE"' not in text
        assert "masked" in text


def test_hostile_words_stay_words(tmp_path):
    charter = f"charter:\n  goal: {json.dumps(HOSTILE)}\n  owners: [{json.dumps(HOSTILE)}]\n"
    with hotel.home(tmp_path, hotel.YAML + charter) as home:
        register(home, lineage=LINEAGE | {"parameters": {HOSTILE: HOSTILE}}, who=HOSTILE)
        verdict = VERDICT | {"notes": [HOSTILE], "holdout": {"name": HOSTILE}}
        gates.add(home.store, "hotel", "v1", "PASS", verdict, AT + 1, HOSTILE)
        registry.release(home, "hotel", "v1", force=HOSTILE, now=AT + 2, who=HOSTILE)
        card = carded(home, "hotel", "v1", now=AT + 3)
    page, text = card.to_html(), card.to_markdown()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page + text
    assert "<script" not in text.replace("\\<", "")
    assert "\\[x\\](javascript" in text
    assert "https://" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in (3, 4, 5, 6, 7) for line in tables)


def test_markdown_escapes_what_would_be_read_as_markup():
    assert escaped("a_b *c* <d>") == "a_b \\*c\\* \\<d\\>"
    assert escaped("# title") == "\\# title"
    assert escaped("1. item") == "1\\. item"
    assert escaped("0.0001") == "0.0001"
    assert escaped("_x_ | `y`") == "\\_x\\_ \\| \\`y\\`"
    assert escaped("a\nb") == "a\\\\nb"


def test_the_command_writes_markdown_a_page_and_json(home, tmp_path):
    register(home)
    run = CliRunner()
    given = ["card", "hotel", "v1", "--at", "2027-01-01", "--home", str(home.folder)]
    shown = run.invoke(app, given, catch_exceptions=False)
    assert shown.stdout.startswith("# hotel v1\n")
    told = run.invoke(app, [*given, "--json"], catch_exceptions=False)
    assert json.loads(told.stdout)["version"]["version"] == "v1"
    files = [tmp_path / "card.md", tmp_path / "card.html"]
    written = run.invoke(app, [*given, "-o", str(files[0]), "--html", str(files[1])], catch_exceptions=False)
    assert "card.md" in written.stdout
    assert files[0].read_text() == shown.stdout
    assert "<h1>hotel v1</h1>" in files[1].read_text()
    run.invoke(app, [*given, "-o", str(tmp_path / "other.html")], catch_exceptions=False)
    assert (tmp_path / "other.html").read_text() == files[1].read_text()
    assert watchkeeper.card("hotel", "v1", at="2027-01-01", home=home.folder).to_markdown() == shown.stdout


def test_what_the_gate_measured_of_a_real_model_is_on_its_card(tmp_path):
    with gated.home(tmp_path) as home:
        gated.register(home, tmp_path, "boosted")
        verdict = gated.gated(home, "v2", gated.held_out(tmp_path))
        card = carded(home, "bikes", "v2", now=gated.NOW + 1)
    assert card.facts["gate"]["outcome"] == verdict.outcome.value
    measured = card.facts["gate"]["metrics"]
    assert measured.keys() == verdict.metrics.keys() != set()
    text = card.to_markdown()
    assert all(f"| {name} |" in text for name in measured)
    assert all(escaped(check.sentence) in text for check in verdict.checks)


def test_a_function_that_loads_a_file_is_named_beside_it(home, tmp_path):
    (tmp_path / "weights.json").write_text("[1, 2]")
    registry.register(home, "hotel", tmp_path / "weights.json", function=a_function(home), now=AT, who="ann")
    assert "| File | weights.json, 6 B, for pipeline.py:predict |" in carded(home, "hotel", "v1", now=AT).to_markdown()
