"""Labels that are worked out of features, and honest ones that only look as if they were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import gated
from watchkeeper.model import Model
from watchkeeper.release.gate.formula import features_together
from watchkeeper.release.gate.holdout import Holdout

SUM = Model.model_validate(
    {
        "name": "rentals",
        "task": "regression",
        "columns": {
            **{name: {"type": "number"} for name in ("casual", "registered", "warm")},
            "all": {"type": "integer", "role": "label"},
        },
    }
)


def held_out(table):
    return Holdout("latest.parquet", table, table, table.num_rows)


def found_in(label, **columns):
    """What is said of a label, given these columns."""
    types = {name: {"type": "number"} for name in columns} | {"y": {"type": "number", "role": "label"}}
    model = Model.model_validate({"name": "m", "task": "regression", "columns": types})
    return features_together(held_out(pa.table(columns)), model, list(columns), np.asarray(label), [])


def rentals(rows=400, noise=0.0, seed=1):
    random = np.random.default_rng(seed)
    casual, registered = random.poisson(30, rows), random.poisson(150, rows)
    table = pa.table({"casual": casual * 1.0, "registered": registered * 1.0, "warm": random.normal(size=rows)})
    return held_out(table), casual + registered + random.normal(0, noise, rows) if noise else casual + registered


def test_a_total_is_not_predicted_from_its_parts():
    held, total = rentals()
    found = features_together(held, SUM, ["casual", "registered", "warm"], total, [])
    assert found.outcome == "FAIL"
    assert found.facts["columns"] == ["casual", "registered"]
    assert "casual" in found.remedy


def test_a_sum_that_only_comes_near_to_the_label_is_no_leak():
    held, total = rentals(noise=1.0)
    found = features_together(held, SUM, ["casual", "registered", "warm"], total, [])
    assert found.outcome == "PASS"
    assert 0.98 < found.facts["value"] < 0.9999


def test_parts_that_are_known_beforehand_may_add_up():
    held, total = rentals()
    found = features_together(held, SUM, ["casual", "registered", "warm"], total, ["registered"])
    assert found.outcome == "PASS"


def test_missing_parts_and_too_few_rows_say_nothing_about_sums():
    held, total = rentals(rows=50)
    assert features_together(held, SUM, ["casual", "registered", "warm"], total, []) is None
    empty = held_out(held.table.set_column(0, "casual", pa.nulls(50, pa.float64())))
    assert "no product of features" in features_together(empty, SUM, ["casual", "registered"], total, []).sentence
    assert features_together(held, SUM.model_copy(update={"task": "binary"}), ["casual"], total, []) is None


def test_a_product_and_a_ratio_of_features_are_found_and_their_parts_named():
    draw = np.random.default_rng(2)
    price, count, weight, height = draw.lognormal(3, 1, 2_000), draw.poisson(3, 2_000), *draw.uniform(1, 2, (2, 2_000))
    columns = {"price": price, "count": count * 1.0, "weight": weight, "height": height}
    for label, parts in (
        (np.round(price * count, 2), ["price", "count"]),
        (price / weight, ["price", "weight"]),
        (-weight / height**2, ["weight", "height"]),
        (0.19 * price * weight * height, ["price", "weight", "height"]),
    ):
        found = found_in(label, **columns)
        assert found.outcome == "FAIL"
        assert found.facts["columns"] == parts
        assert "product or ratio of features" in found.sentence
        free = {name: values for name, values in columns.items() if name != parts[0]}
        assert found_in(label, **free).outcome == "PASS"


def test_cells_that_are_missing_where_the_label_is_0_do_not_hide_a_product():
    draw = np.random.default_rng(3)
    count, price = draw.poisson(1, 3_000) * 1.0, draw.uniform(1, 9, 3_000)
    price[count == 0] = np.nan
    holes = np.where(draw.random(3_000) < 0.1, np.nan, 1.0)
    found = found_in(np.nan_to_num(count * price), count=count, price=price, holes=holes)
    assert found.facts["columns"] == ["count", "price"]


@pytest.mark.parametrize("spread", [0.1, 1.0, 6.0])
def test_honest_features_are_not_called_a_formula_however_strong_they_are(spread):
    """Each label is a product, a sum or a bent one of two of eight columns, and off by 1 % as by chance."""
    draw = np.random.default_rng(4)
    for _ in range(40):
        columns = {f"x{i}": draw.lognormal(0, spread, 1_000) for i in range(8)}
        x, y = columns["x0"], columns["x1"]
        for label in (x * y, x / y, np.sqrt(x) * y**2, x + 3 * y, np.minimum(x, y)):
            found = found_in(label * (1 + 0.01 * draw.normal(size=1_000)), **columns)
            assert found.outcome == "PASS", (spread, found)


def test_real_features_that_tell_much_are_not_called_a_formula():
    table = gated.rows("2011-01-01", "2012-05-01")
    columns = {name: np.asarray(table[name], dtype=float) for name in ("hour", "temp", "windspeed", "weekday")}
    hum = np.asarray(table["hum"], dtype=float)
    assert found_in(hum, **columns).outcome == "PASS"
    warmth = columns["temp"] * 0.9 + hum * 0.1 + np.random.default_rng(5).normal(0, 0.3, len(hum))
    assert found_in(warmth, hum=hum, **columns).outcome == "PASS"


def test_a_sum_that_is_0_in_most_rows_or_spans_many_powers_of_ten_is_found():
    draw = np.random.default_rng(7)
    for chance, spread in ((0.2, 1.0), (1.0, 6.0)):
        x, y, z = draw.lognormal(0, spread, (3, 2_000)) * (draw.random(2_000) < chance)
        found = found_in(x + y, x=x, y=y, z=z)
        assert found.outcome == "FAIL"
        assert found.facts["columns"] == ["x", "y"]


def test_of_many_rows_a_part_tells_as_much():
    draw = np.random.default_rng(6)
    columns = {f"x{i}": draw.lognormal(0, 1, 100_000) for i in range(20)}
    found = found_in(columns["x3"] * columns["x7"], **columns)
    assert found.facts["columns"] == ["x3", "x7"]
    assert found.facts["rows"] == 20_000
