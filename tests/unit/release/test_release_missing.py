"""Features that held-out rows lack, by real rows of which cells are taken away."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import gated
from watchkeeper.model import Model
from watchkeeper.release.gate.holdout import Holdout
from watchkeeper.release.gate.missing import Usual, in_training, missing_feature
from watchkeeper.release.gate.training import trained_on
from watchkeeper.release.outcome import Outcome


def lacking(table, name, share):
    """The table with this share of a column's cells taken away, evenly."""
    cells = table[name].to_pylist()
    gone = np.floor(np.arange(len(cells)) * share) != np.floor((np.arange(len(cells)) + 1) * share)
    made = pa.array([None if out else cell for cell, out in zip(cells, gone, strict=True)], table[name].type)
    return table.set_column(table.column_names.index(name), name, made)


@pytest.fixture(scope="module")
def latest():
    return gated.rows("2012-01-01", "2012-02-01")


@pytest.fixture(scope="module")
def model():
    return Model.model_validate(yaml.safe_load(gated.YAML))


def checked(table, shares, least=200):
    return missing_feature(Holdout("x", table, table, table.num_rows), gated.FEATURES, Usual("rows", shares), least)


def test_a_feature_that_nearly_all_rows_lack_fails_and_is_named(latest):
    for share, outcome in ((1.0, Outcome.FAIL), (0.96, Outcome.FAIL), (0.94, Outcome.PASS), (0.0, Outcome.PASS)):
        found = checked(lacking(latest, "hum", share), dict.fromkeys(gated.FEATURES, 0.01))
        assert found.outcome is outcome, share
        assert found.facts["columns"] == (["hum"] if outcome is Outcome.FAIL else [])
    found = checked(lacking(latest, "hum", 1.0), {"hum": 0.2})
    assert "`hum` (100 %, where 20 % of rows do)" in found.sentence
    assert "without it" in found.remedy


def test_a_number_that_is_none_and_a_column_that_is_absent_are_missing_too(latest):
    empty = latest.set_column(6, "hum", pa.array(np.full(len(latest), np.nan)))
    for table in (empty, latest.drop_columns(["hum"])):
        assert checked(table, {"hum": 0.0}).outcome is Outcome.FAIL


def test_what_was_mostly_missing_in_training_may_be_missing_and_what_is_not_known_tells_nothing(latest):
    table = lacking(latest, "hum", 1.0)
    assert checked(table, {"hum": 0.51, "temp": 0.0}).outcome is Outcome.PASS
    assert checked(table, {"hum": 1.0}).outcome is Outcome.PASS
    assert checked(table, {}) is None
    assert checked(table.slice(0, 0), {"hum": 0.0}) is None


def test_of_too_few_rows_nothing_is_decided(latest):
    assert checked(lacking(latest, "hum", 1.0).slice(0, 199), {"hum": 0.0}).outcome is Outcome.INCONCLUSIVE


def test_training_rows_tell_what_is_usual(tmp_path, latest, model):
    for i, share in enumerate((0.5, 0.25)):
        pq.write_table(lacking(latest, "hum", share), tmp_path / f"{i}.parquet")
    training = trained_on([str(tmp_path / f"{i}.parquet") for i in range(2)], model, gated.FEATURES)
    assert in_training(training).shares["hum"] == pytest.approx(0.375, abs=0.001)
    assert in_training(training).shares["temp"] == 0


def test_the_gate_fails_by_the_baseline_and_passes_this_check_where_training_lacked_it_too(tmp_path, latest):
    with gated.home(tmp_path) as home:
        held = gated.held_out(tmp_path, lacking(latest, "hum", 1.0))
        version = gated.register(home, tmp_path, "boosted")
        verdict = gated.gated(home, version, held)
        assert gated.outcome_of(verdict, "missing_feature") == "FAIL"
        assert verdict.exit_code == 1
        pq.write_table(lacking(gated.rows("2011-01-01", "2012-01-01"), "hum", 1.0), tmp_path / "lacking.parquet")
        again = gated.gated(home, version, held, train=[str(tmp_path / "lacking.parquet")])
        assert gated.outcome_of(again, "missing_feature") == "PASS"
