"""Held-out rows of the demo's data: semicolons, decimal commas, sentinels, and a label that is away for days."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from watchkeeper.release import registry
from watchkeeper.release.gate import holdout
from watchkeeper.release.gate.gate import gate
from watchkeeper.release.gate.holdout import typed_labels
from watchkeeper.release.gate.source import held_out
from watchkeeper.watch.add import add
from watchkeeper.watch.home import opened

DATA = Path(str(resources.files("watchkeeper.demo") / "data"))
INPUTS = ["PT08.S1(CO)", "PT08.S2(NMHC)", "T"]
NOW = 1_100_000_000_000_000
PREDICT = """
import json, os
from pathlib import Path

def predict(rows, path=None):
    asked = Path(__file__).with_suffix(".jsonl")
    with asked.open("a") as file:
        least = {name: float(min(values)) for name, values in rows.items()}
        file.write(json.dumps({"rows": len(rows["T"]), "least": least}) + "\\n")
    return 0.004 * rows["PT08.S2(NMHC)"] - 1.6
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    (folder / "predict.py").write_text(PREDICT)
    with opened(folder / "home", make=True) as found:
        add(found, DATA / "watchkeeper.yaml", [str(DATA / "baseline.csv")], now=NOW, who="ann")
        yield found


@pytest.fixture(scope="module")
def model(home):
    return home.model("air-quality")


@pytest.fixture(scope="module")
def held(home, model):
    return held_out(home, model, str(DATA / "current.csv"), now=NOW)


def lines():
    return (DATA / "current.csv").read_text().splitlines()[1:]


def test_rows_whose_label_is_a_sentinel_have_no_label(held, model):
    without = sum(line.split(";")[2] in ("-200", "") for line in lines())
    assert held.unlabelled == without > 200
    assert held.table.num_rows == held.rows - without
    label = typed_labels(held, model)
    assert label.dtype == np.float64
    assert label.min() > 0


def test_a_model_is_given_the_values_as_they_came_and_checks_see_what_is_missing(held, model):
    assert held.table["T"].null_count > 20
    came = np.asarray(held.inputs["T"])
    assert (came == -200).sum() == held.table["T"].null_count
    assert held.inputs["Time"].to_pylist() == held.table["Time"].to_pylist()


def test_of_very_many_rows_a_part_is_drawn_the_same_one_each_time(home, model, held, monkeypatch):
    monkeypatch.setattr(holdout, "MOST_ROWS", 300)
    drawn, again = (held_out(home, model, str(DATA / "current.csv"), now=NOW) for _ in range(2))
    assert 100 < drawn.table.num_rows <= 300
    assert drawn.table.num_rows + drawn.left_over == held.table.num_rows
    assert drawn.unlabelled == held.unlabelled
    assert drawn.inputs.equals(again.inputs)
    whole = {json.dumps(row, default=str) for row in held.inputs.to_pylist()}
    assert {json.dumps(row, default=str) for row in drawn.inputs.to_pylist()} <= whole


def test_bad_rows_are_left_out_and_counted(home, model, held, tmp_path):
    broken = lines()
    spoiled = [i for i, line in enumerate(broken) if line.split(";")[2] != "-200"][:7]
    for i in spoiled:
        cells = broken[i].split(";")
        broken[i] = ";".join([*cells[:13], "140,0", cells[14]])  # a humidity above 100 %
    path = tmp_path / "broken.csv"
    head = (DATA / "current.csv").read_text().splitlines()[0]
    path.write_text("\n".join([head, *broken]) + "\n")
    found = held_out(home, model, str(path), now=NOW)
    assert found.bad == 7
    assert found.table.num_rows == held.table.num_rows - 7
    assert "7 of 1,056 rows are bad and were left out" in found.checks[0].sentence
    assert found.checks[0].outcome == "PASS"


def test_a_file_without_predictions_can_be_held_out_though_the_model_declares_them(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    import gated

    yaml = gated.YAML + "  guess: {type: boolean, role: prediction}\n  p: {type: number, role: score}\n"
    table = gated.rows("2011-01-01", "2012-01-01")
    guess = table["busy"]
    pq.write_table(
        table.append_column("guess", guess).append_column("p", guess.cast(pa.float64())), tmp_path / "t.parquet"
    )
    (tmp_path / "m.yaml").write_text(yaml)
    with opened(tmp_path / "home", make=True) as found:
        add(found, tmp_path / "m.yaml", [str(tmp_path / "t.parquet")], now=NOW, who="ann")
        held = held_out(found, found.model("bikes"), gated.held_out(tmp_path), now=NOW)
        assert held.checks[0].outcome == "PASS", held.checks
        assert held.table.num_rows == 2_894


def test_the_function_of_a_user_is_asked_for_all_rows_and_values_are_judged(home):
    function = f"{home.folder.parent / 'predict.py'}:predict"
    named = {"inputs": INPUTS, "function": function, "lineage": {"data": {"to": "2004-04-03"}}}
    version = registry.register(home, "air-quality", **named, now=NOW, who="ann").version
    verdict = gate(home, "air-quality", version, str(DATA / "current.csv"), model_fn=function, now=NOW, who="ann")
    outcomes = {check.name: check.outcome.value for check in verdict.checks}
    assert outcomes["time_leak"] == outcomes["requests"] == outcomes["skill"] == "PASS", verdict.checks
    asked = [json.loads(line) for line in (home.folder.parent / "predict.jsonl").read_text().splitlines()]
    assert max(one["rows"] for one in asked) == verdict.holdout["used"]
    assert min(one["least"]["T"] for one in asked) == -200
    assert {one["rows"] for one in asked} >= {1, 256, verdict.holdout["used"]}
