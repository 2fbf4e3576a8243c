"""The section `gate:` of a model: what it takes, and what it says of mistakes."""

import pytest

from watchkeeper.model import ModelError, Need, dump
from watchkeeper.model.need import BETTER, METRICS
from watchkeeper.model.yaml_file import parse

HEAD = "name: a\ntask: {task}\ncolumns:\n  age: {{type: number}}\n  country: {{type: string}}\n"
GATE = """\
gate:
  metrics: {roc_auc: {margin: 0.01}, brier: {margin: 5 %}}
  confidence: 0.9
  min_rows: 500
  level: {roc_auc: 0.75}
  threshold: {cost: {false_positive: 1, false_negative: 5}}
  segments: [country]
  gaps: {recall: {most: 0.1, wider: 0.02}}
  calibration: 0.05
"""


def read(gate, task="binary"):
    return parse(HEAD.format(task=task) + gate)


def test_a_need_is_read_and_written_back():
    model = read(GATE)
    assert model.gate.metrics["brier"].share == pytest.approx(0.05)
    assert model.gate.metrics["brier"].at(0.2) == pytest.approx(0.01)
    assert model.gate.metrics["roc_auc"].at(0.8) == 0.01
    assert parse(dump(model)) == model


def test_without_a_section_the_defaults_go_by_the_task():
    assert read("").gate == Need()
    assert set(Need().margins("binary", True)) == {"roc_auc", "brier"}
    assert set(Need().margins("binary", False)) == {"balanced_accuracy"}
    assert set(Need().margins("regression", False)) == {"mae"}
    assert set(Need().margins("ranking", False)) == {"ndcg@10"}
    assert Need().margins("none", False) == {}
    costs = Need.model_validate({"threshold": {"cost": {"false_positive": 1, "false_negative": 3}}})
    assert list(costs.margins("binary", True)) == ["cost", "roc_auc", "brier"]
    assert {name for names in METRICS.values() for name in names} == set(BETTER)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("gate: {metrics: {auc: {margin: 0.1}}}", "no such metric. Did you mean 'pr_auc'|no such metric"),
        ("gate: {metrics: {mae: {margin: 0.1}}}", "a model of task binary has no such metric"),
        ("gate: {metrics: {roc_auc: {margin: -1}}}", "write a number above 0"),
        ("gate: {metrics: {roc_auc: {margin: five}}}", "or a share of the live model's value"),
        ("gate: {metrics: {roc_auc: {margin: true}}}", "write a number above 0"),
        ("gate: {threshold: {recall: 0.9, precision: 0.5}}", "exactly one of"),
        ("gate: {threshold: {recall: 95}}", "threshold.recall"),
        ("gate: {gaps: {recall: {}}}", "write `most:`, `wider:` or both"),
        ("gate: {metrics: {cost: {margin: 0.1}}}", "what decisions cost is not known"),
        ("gate: {threshold: {precision: 0.9}, metrics: {recall: {margin: 0.1}}}", "decisions don't compare"),
        ("gate: {segments: [contry]}", "Did you mean 'country'"),
        ("gate: {confidence: 1}", "gate.confidence"),
        ("gate: {metrics: {roc_auc: {margn: 0.1}}}", "no field of `gate.metrics`. Did you mean 'margin'"),
        ("gate: {threshold: {recal: 0.9}}", "no field of `gate.threshold`. Did you mean 'recall'"),
        ("gate: {threshold: {cost: {false_negatve: 1}}}", "no field of `gate.threshold.cost`. Did you mean 'false_neg"),
        ("gate: {levl: 1}", "is no field of `gate`. Did you mean 'level'"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(gate, said):
    with pytest.raises(ModelError, match=said) as caught:
        read(gate)
    assert "line 6" in str(caught.value)


@pytest.mark.parametrize(
    ("task", "gate"),
    [
        ("regression", "gate: {threshold: {recall: 0.9}}"),
        ("regression", "gate: {gaps: {recall: {most: 0.1}}}"),
        ("ranking", "gate: {calibration: 0.1}"),
        ("none", "gate: {level: {mae: 1}}"),
    ],
)
def test_what_a_task_does_not_have_is_a_mistake(task, gate):
    with pytest.raises(ModelError, match="line 6"):
        read(gate, task)
