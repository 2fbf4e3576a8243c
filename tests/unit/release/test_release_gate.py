"""The gate end to end: real rows, real ONNX files, each model in a process of its own."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

import gated
from watchkeeper.model.bounds import Bounds
from watchkeeper.model.error import NotInstalled
from watchkeeper.release import registry
from watchkeeper.release.gate import speed
from watchkeeper.release.gate.attempt import Attempts
from watchkeeper.release.gate.replay import answers_well
from watchkeeper.release.gate.verdict import as_dict, schema
from watchkeeper.release.outcome import Outcome
from watchkeeper.runtime import Allowed, Format, Servable, Worker
from watchkeeper.state import gate as gates


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def home(folder):
    with gated.home(folder) as found:
        yield found


@pytest.fixture(scope="module")
def latest(folder, home):
    return gated.held_out(folder)


@pytest.fixture(scope="module")
def better(folder, home):
    return gated.register(home, folder, "boosted")


@pytest.fixture(scope="module")
def passed(folder, home, latest, better):
    return gated.gated(home, better, latest, train=[str(folder / "train.parquet")])


def with_columns(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))
    return table


def april():
    return gated.rows("2012-04-01", "2012-05-01")


def function(folder, name, body):
    """A user's file with a function `predict(rows, path)`."""
    path = folder / f"{name}.py"
    path.write_text(f"import os, time\nimport numpy as np\n\ndef predict(rows, path):\n    {body}\n")
    return f"{path}:predict"


def said(verdict, name):
    return next(check.sentence for check in verdict.checks if check.name == name)


def test_a_better_candidate_passes_and_the_verdict_is_kept_and_lets_it_go_live(home, passed, better):
    assert passed.outcome is Outcome.PASS, passed.failed
    assert passed.exit_code == 0
    assert {"time_leak", "rows_seen", "entity_overlap", "lone_feature", "loads", "requests", "latency", "memory"} <= {
        check.name for check in passed.checks
    }
    kept = gates.latest(home.store, gated.NAME, better)
    assert (kept.id, kept.outcome, kept.result) == (passed.number, "PASS", as_dict(passed))
    assert registry.release(home, gated.NAME, better, now=gated.NOW, who="ann").gate == passed.number
    registry.rollback(home, gated.NAME, why="back to where other tests begin", now=gated.NOW, who="ann")


def test_the_json_is_as_its_schema_says(passed):
    jsonschema.validate(as_dict(passed), schema())
    assert as_dict(passed)["holdout"]["from"] == "2012-01-01T00:00:00Z"


def test_candidate_live_model_and_naive_baseline_answer_the_same_rows(passed):
    from sklearn.metrics import roc_auc_score

    table = gated.rows("2012-01-01", "2012-05-01")
    label = np.asarray(table["busy"].to_pylist())
    for kind, field in (("boosted", "value"), ("plain", "live")):
        score = gated.fitted(kind).predict_proba(gated.matrix(table))[:, 1]
        assert passed.metrics["roc_auc"][field] == pytest.approx(roc_auc_score(label, score), abs=1e-4)
    assert passed.metrics["roc_auc"]["naive"] == pytest.approx(0.5)


def test_a_worse_candidate_fails_and_release_refuses_it(home, folder, latest):
    version = gated.register(home, folder, "constant")
    verdict = gated.gated(home, version, latest)
    assert verdict.exit_code == 1
    assert gated.outcome_of(verdict, "non_inferiority") == "FAIL"
    assert gated.outcome_of(verdict, "skill") == "FAIL"
    with pytest.raises(registry.NotPassed, match="FAIL"):
        registry.release(home, gated.NAME, version, now=gated.NOW, who="ann")


def test_a_candidate_without_skill_fails_even_if_nothing_is_live(tmp_path):
    with gated.home(tmp_path, live=None) as home:
        verdict = gated.gated(home, gated.register(home, tmp_path, "constant"), gated.held_out(tmp_path))
        assert verdict.outcome is Outcome.FAIL
        assert verdict.live is None
        assert gated.outcome_of(verdict, "skill") == "FAIL"
        assert any("No version is live" in note for note in verdict.notes)


def test_too_few_rows_are_inconclusive_and_never_a_pass(home, folder, better):
    verdict = gated.gated(home, better, gated.held_out(folder, april().slice(0, 60), "few.parquet"))
    assert verdict.exit_code == 3
    assert not [check for check in verdict.checks if check.outcome is Outcome.FAIL]


def test_rows_without_any_label_are_inconclusive(home, folder, better):
    table = april()
    verdict = gated.gated(
        home, better, gated.held_out(folder, with_columns(table, busy=[None] * len(table)), "no.parquet")
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.checks
    assert gated.outcome_of(verdict, "labels") == "INCONCLUSIVE"
    assert verdict.holdout["unlabelled"] == len(table)


def test_rows_of_the_time_of_training_fail_though_the_candidate_shines_on_them(home, folder, better):
    held = gated.held_out(folder, gated.rows("2011-11-01", "2012-02-01"), "overlap.parquet")
    verdict = gated.gated(home, better, held, train=[str(folder / "train.parquet")])
    assert {gated.outcome_of(verdict, name) for name in ("time_leak", "rows_seen", "entity_overlap")} == {"FAIL"}
    assert gated.outcome_of(verdict, "non_inferiority") == "PASS"
    assert verdict.outcome is Outcome.FAIL


def test_training_files_that_can_not_be_read_fail_and_are_never_left_out(home, folder, better, latest):
    import pyarrow.parquet as pq

    pq.write_table(april().drop_columns(["temp"]), folder / "other.parquet")
    verdict = gated.gated(home, better, latest, train=[str(folder / "other.parquet")])
    assert gated.outcome_of(verdict, "training_data") == "FAIL"
    assert "temp" in said(verdict, "training_data")


def test_rows_without_a_label_are_left_out_and_counted(home, folder, better):
    table = april()
    busy = [None if i % 4 == 0 else value for i, value in enumerate(table["busy"].to_pylist())]
    verdict = gated.gated(home, better, gated.held_out(folder, with_columns(table, busy=busy), "some.parquet"))
    assert verdict.holdout["unlabelled"] == (len(table) + 3) // 4
    assert verdict.holdout["used"] + verdict.holdout["unlabelled"] == len(table)
    assert f"{verdict.holdout['unlabelled']:,} without one were left out" in said(verdict, "labels")


def test_a_feature_that_tells_the_outcome_fails_and_is_named(home, folder, better):
    table = april()
    told = np.where(np.asarray(table["busy"].to_pylist()), 50, 10) + np.arange(len(table)) % 7
    held = gated.held_out(folder, with_columns(table, windspeed=told), "leaky.parquet")
    verdict = gated.gated(home, better, held)
    assert gated.outcome_of(verdict, "lone_feature") == "FAIL"
    assert "`windspeed` alone predicts the label too well" in said(verdict, "lone_feature")


def test_a_rejected_file_fails(home, folder, better):
    table = april().drop_columns(["temp"])
    verdict = gated.gated(home, better, gated.held_out(folder, table, "without.parquet"))
    assert gated.outcome_of(verdict, "held_out_file") == "FAIL"
    assert "temp" in said(verdict, "held_out_file")
    assert verdict.exit_code == 1
    assert verdict.holdout["used"] == 0


def test_what_can_not_be_loaded_fails_with_the_reason_and_nothing_more_is_asked_of_it(home, folder, latest):
    named = function(folder, "unasked", "return rows['hour']")  # which the home's configuration does not allow
    made = registry.register(
        home, gated.NAME, inputs=list(gated.FEATURES), function=named, lineage=gated.LINEAGE, now=gated.NOW, who="ann"
    )
    verdict = gated.gated(home, made.version, latest)
    assert gated.outcome_of(verdict, "loads") == "FAIL"
    assert "function" in said(verdict, "loads")
    assert verdict.exit_code == 1
    assert not {"skill", "latency"} & {check.name for check in verdict.checks}


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "gone"])
@pytest.mark.parametrize("whose", ["loads", "loads_live"])
def test_a_damaged_artefact_is_a_fail_with_the_reason_and_the_verdict_is_kept(tmp_path, latest, damage, whose):
    with gated.home(tmp_path) as home:
        version = gated.register(home, tmp_path, "boosted")
        path = registry.servable(home, registry.one(home, gated.NAME, version if whose == "loads" else "v1")).path
        whole = path.read_bytes()
        path.unlink()
        if damage != "gone":
            path.write_bytes(whole[:-100] if damage == "truncated" else whole[:-1] + bytes([whole[-1] ^ 1]))
        verdict = gated.gated(home, version, latest)
        assert verdict.exit_code == 1
        assert gated.outcome_of(verdict, whose) == "FAIL"
        assert ("is gone" if damage == "gone" else "not the bytes that were registered") in said(verdict, whose)
        assert gates.latest(home.store, gated.NAME, version).outcome == "FAIL"
        with pytest.raises(registry.NotPassed, match="FAIL"):
            registry.release(home, gated.NAME, version, now=gated.NOW, who="ann")


def test_a_store_that_can_not_be_reached_is_no_fault_of_the_candidate(home, latest, better, monkeypatch):
    from watchkeeper.release import artifact

    def away(home, version):
        raise artifact.StoreUnavailable("the store is away")

    before = gates.latest(home.store, gated.NAME, better)
    monkeypatch.setattr(registry, "servable", away)
    with pytest.raises(artifact.StoreUnavailable):
        gated.gated(home, better, latest)
    assert gates.latest(home.store, gated.NAME, better) == before


def test_a_candidate_that_dies_at_a_row_fails_and_the_verdict_is_kept(home, folder, better, latest):
    named = function(folder, "dies", "os._exit(3) if len(rows['hour']) > 256 else None; return (rows['hour'] > 8) * 1")
    verdict = gated.gated(home, better, latest, model_fn=named)
    assert gated.outcome_of(verdict, "requests") == "PASS"
    assert gated.outcome_of(verdict, "held_out_answers") == "FAIL"
    assert "The held-out rows could not be answered" in said(verdict, "held_out_answers")
    assert not {"skill", "latency"} & {check.name for check in verdict.checks}
    assert gates.latest(home.store, gated.NAME, better).outcome == "FAIL"


@contextmanager
def asked(folder, name, body):
    servable = Servable(Format.FUNCTION, gated.FEATURES, folder / "model.onnx", function(folder, name, body))
    with Worker(servable, Allowed(functions=True)) as worker:
        yield worker


FAULTS = {
    "raises": ("raise ValueError('no such currency')", "no such currency"),
    "holes": ("return np.full(len(rows['hour']), np.nan)", ""),
    "short": ("return np.zeros(max(len(rows['hour']) - 1, 1))", ""),
    "moody": ("return (np.random.default_rng().random(len(rows['hour'])) > 0.5).astype(int)", "something else"),
    "gossip": ("return (rows['temp'] > np.mean(rows['temp'])).astype(int)", "alone"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_candidate_that_answers_badly_fails_and_the_error_is_told(home, folder, name):
    body, words = FAULTS[name]
    model = home.model(gated.NAME)
    with asked(folder, name, body) as worker, ExitStack() as stack:
        found = Attempts(stack).make("requests", lambda: answers_well(worker, april().slice(0, 100), model, "row"))
    assert found.outcome is Outcome.FAIL
    assert words in found.sentence


def test_a_function_is_found_from_the_working_folder(home, folder, better, latest, monkeypatch):
    function(folder, "here", "return (rows['hour'] > 8).astype(int)")
    monkeypatch.chdir(folder)
    verdict = gated.gated(home, better, latest, model_fn="here.py:predict")
    assert gated.outcome_of(verdict, "requests") == "PASS"
    assert any("here.py:predict answered for" in note for note in verdict.notes)


def test_a_candidate_that_is_slow_or_holds_much_memory_fails_beside_a_quick_live_model(folder):
    slow = "predict.held = getattr(predict, 'held', None) or [np.ones(60_000_000)]; time.sleep(0.05); "
    slow += "return rows['hour'] * 1"
    rows, bounds = april(), Bounds()
    with asked(folder, "slow", slow) as candidate, asked(folder, "quick", "return rows['hour'] * 1") as live:
        found = speed.timed(candidate, live, rows, [gated.FEATURES, gated.FEATURES])
        late = speed.latency(found, bounds)
        assert late.outcome is Outcome.FAIL
        assert "times as long as the live model's" in late.sentence
        assert speed.latency(found, Bounds(p95_ratio=1e6)).outcome is Outcome.PASS
        assert speed.latency(found, Bounds(p95_ratio=1e6, p95_ms=1)).outcome is Outcome.FAIL
        assert speed.latency(speed.Timed(found.candidate, None), bounds).outcome is Outcome.PASS
        assert speed.memory(candidate.memory_bytes, live.memory_bytes, bounds).outcome is Outcome.FAIL
        assert speed.memory(live.memory_bytes, live.memory_bytes, bounds).outcome is Outcome.PASS


def test_few_calls_tell_of_a_candidate_that_takes_a_second_for_each():
    quick = np.full(30, 0.01)
    assert speed.latency(speed.Timed(np.full(30, 1.0), quick), Bounds()).outcome is Outcome.FAIL
    assert speed.latency(speed.Timed(np.full(30, 0.05), quick), Bounds()).outcome is Outcome.PASS


def test_an_estimator_beside_onnx_fails_neither_for_milliseconds_nor_for_what_python_holds():
    few, many = np.full(200, 0.0005), np.full(200, 0.005)
    found = speed.latency(speed.Timed(many, few), Bounds())
    assert found.outcome is Outcome.PASS
    assert "always quick enough" in found.sentence
    late = speed.latency(speed.Timed(many * 5, few), Bounds())
    assert late.outcome is Outcome.FAIL
    assert "p95_ratio" in late.remedy
    assert speed.latency(speed.Timed(many, few), Bounds(p95_ms=2)).outcome is Outcome.FAIL
    assert speed.memory(300_000_000, 100_000_000, Bounds()).outcome is Outcome.PASS
    assert speed.memory(900_000_000, 100_000_000, Bounds()).outcome is Outcome.FAIL


def test_what_is_live_is_held_against_what_was_live_before(home, latest):
    verdict = gated.gated(home, "v1", latest)
    assert verdict.live is None
    assert any("is live itself" in note for note in verdict.notes)


def test_what_this_machine_lacks_is_no_fault_of_the_candidate(home, better, latest, monkeypatch):
    before = gates.latest(home.store, gated.NAME, better).id
    monkeypatch.setattr("watchkeeper.release.gate.case.find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match=r"watchkeeper\[gateway\]"):
        gated.gated(home, better, latest)
    assert gates.latest(home.store, gated.NAME, better).id == before


def test_unknown_versions_spans_and_models_without_labels_are_usage_errors(home, tmp_path, better, latest):
    from watchkeeper.delivery import NoSuchFile
    from watchkeeper.release.gate.holdout import CannotGate

    with pytest.raises(registry.NoSuchVersion):
        gated.gated(home, "v99", latest)
    with pytest.raises(NoSuchFile):
        gated.gated(home, better, str(tmp_path / "nothing.parquet"))
    with pytest.raises(CannotGate, match="last:7d"):
        gated.gated(home, better, "last:week")
    with pytest.raises(CannotGate, match="no event"):
        gated.gated(home, better, "last:7d")
