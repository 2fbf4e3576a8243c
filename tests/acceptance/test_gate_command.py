"""`watchkeeper gate`, as a user and a pipeline run it."""

from __future__ import annotations

import json

import pytest

import gated
import watchkeeper
from watchkeeper.cli import main
from watchkeeper.release import registry
from watchkeeper.watch.home import opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("gate")
    with gated.home(made) as home:
        gated.held_out(made)
        gated.held_out(made, gated.rows("2012-01-01", "2012-01-04"), "few.parquet")
        for kind in ("boosted", "constant"):
            gated.register(home, made, kind)
    return made


def run(capsys, folder, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments), "--home", str(folder / "home")])
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out
    return left.value.code, said.out, said.err


def test_a_pass_is_0_writes_what_was_asked_for_and_lets_the_version_go_live(capsys, folder):
    page, text = folder / "gate.html", folder / "gate.json"
    outputs = ("--html", page, "--json", text, "--train", folder / "train.parquet")
    code, out, _ = run(capsys, folder, "gate", gated.NAME, "v2", "--holdout", folder / "latest.parquet", *outputs)
    assert code == 0
    assert out.startswith("✓ PASS: v2 may go live")
    assert "watchkeeper release bikes v2" in out
    assert json.loads(text.read_text())["outcome"] == "PASS"
    assert "<h1>v2 may go live" in page.read_text()


def test_a_fail_is_1_with_the_reasons_first(capsys, folder):
    code, out, _ = run(capsys, folder, "gate", gated.NAME, "v3", "--holdout", folder / "latest.parquet")
    assert code == 1
    assert out.startswith("■ FAIL: v3 must not go live")
    assert out.index("non_inferiority:") < out.index("metric ")


def test_too_few_rows_are_3_and_json_stands_alone_on_standard_output(capsys, folder):
    asked = ("gate", gated.NAME, "v2", "--holdout", folder / "few.parquet", "--json", "-")
    code, out, err = run(capsys, folder, *asked)
    assert code == 3
    assert json.loads(out)["outcome"] == "INCONCLUSIVE"
    assert "INCONCLUSIVE:" in err


def test_wrong_usage_is_2_and_says_what_to_do(capsys, folder):
    held = folder / "latest.parquet"
    for asked, words in (
        ((gated.NAME, "v9", "--holdout", held), "no version 'v9'"),
        ((gated.NAME, "v2", "--holdout", folder / "nothing.parquet"), "nothing.parquet"),
        ((gated.NAME, "v2", "--holdout", "last:soon"), "last:7d"),
        ((gated.NAME, "v2", "--holdout", held, "--retrain", "a.py:train"), "--train FILES"),
        (("taxis", "v2", "--holdout", held), "no model 'taxis'"),
    ):
        code, _, err = run(capsys, folder, "gate", *asked)
        assert code == 2, err
        assert words in err


def test_the_held_out_file_is_never_written_over(capsys, folder):
    held = folder / "few.parquet"
    before = held.read_bytes()
    for option in ("--html", "--json"):
        code, _, err = run(capsys, folder, "gate", gated.NAME, "v2", "--holdout", held, option, held)
        assert code == 2, err
        assert held.read_bytes() == before


def test_from_python_the_verdict_can_be_asked(folder):
    verdict = watchkeeper.gate(gated.NAME, "v3", folder / "latest.parquet", home=folder / "home")
    assert verdict.outcome == "FAIL"
    assert "non_inferiority" in {check.name for check in verdict.failed}
    assert repr(verdict).startswith("<Gate bikes v3: FAIL")


def test_a_damaged_artefact_is_1_and_the_verdict_is_seen_by_versions_card_and_release(capsys, folder):
    with opened(folder / "home") as home:
        version = gated.register(home, folder, "forest")
        path = registry.servable(home, registry.one(home, gated.NAME, version)).path
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:1_000])
    code, out, _ = run(capsys, folder, "gate", gated.NAME, version, "--holdout", folder / "latest.parquet")
    assert code == 1
    assert "not the bytes that were registered" in " ".join(out.split())
    code, out, _ = run(capsys, folder, "versions", gated.NAME, "--json")
    assert code == 0
    assert "FAIL" in json.dumps(next(one for one in json.loads(out)["versions"] if one["version"] == version))
    code, out, _ = run(capsys, folder, "card", gated.NAME, version)
    assert code == 0
    assert "FAIL" in out
    code, _, err = run(capsys, folder, "release", gated.NAME, version)
    assert code == 1
    assert "the gate said FAIL" in err
