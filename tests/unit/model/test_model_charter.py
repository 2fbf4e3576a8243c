"""The charter in a model's YAML: every line may be left out, and a mistake is named with its line."""

from __future__ import annotations

import pytest

from watchkeeper.model import Charter, ModelError, dump
from watchkeeper.model.yaml_file import parse

MODEL = "name: m\ncolumns:\n  a: {type: integer}\n"


def test_a_model_needs_no_charter():
    assert parse(MODEL).charter == Charter()
    assert "charter" not in dump(parse(MODEL))


def test_every_line_is_kept_and_written_again():
    charter = Charter(
        goal='Fewer "empty" rooms: 2 %',
        business_metric="nights sold",
        metrics=["recall", "precision"],
        level="recall of 0.8",
        value="2 % more nights",
        feasibility="two years of bookings",
        owners=["ann", "# bob"],
        users=["front desk"],
        out_of_scope=["prices"],
        ethics=["no guest is refused\nat the door"],
    )
    model = parse(MODEL).model_copy(update={"charter": charter})
    assert parse(dump(model)).charter == charter


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("charter:\n  goals: x\n", "goal"),
        ("charter:\n  owners: ann\n", "owners"),
        ("charter:\n  goal: ''\n", "goal"),
        ("charter: none\n", "charter"),
    ],
)
def test_a_mistake_is_named(lines, said):
    with pytest.raises(ModelError, match=said):
        parse(MODEL + lines)
