"""Inference: what `init` understands of data it has never seen, and how sure it says it is."""

from __future__ import annotations

import csv
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from watchkeeper import demo
from watchkeeper.model import Column, Inference, ModelError, Role, Task, TextFormat, Type, infer
from watchkeeper.model.uuid_text import written_out
from watchkeeper.model.yaml_file import dump, parse

RANDOM = np.random.default_rng(11)


def inferred(table: pa.Table | dict, *, lexical: bool = True, **more) -> Inference:
    table = table if isinstance(table, pa.Table) else pa.table(table)
    found = infer(table, lexical=lexical, text=TextFormat(), name="test", **more)
    assert parse(dump(found.model, notes=found.notes, about=found.about)) == found.model
    return found


def column(*cells: str | None, name: str = "x") -> Column:
    return inferred({name: pa.array(cells, pa.string())}).model.columns[name]


def texts(path: Path, delimiter: str) -> pa.Table:
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, delimiter=delimiter)
    return pa.table({name: [row[place] or None for row in rows] for place, name in enumerate(head)})


def test_an_air_quality_station_is_understood():
    found = inferred(texts(demo.files().current, ";"), roles={"CO(GT)": Role.LABEL})
    columns = found.model.columns
    assert (columns["Date"].type, columns["Date"].format, columns["Date"].role) == (
        Type.TIMESTAMP,
        "%d/%m/%Y",
        Role.TIMESTAMP,
    )
    assert any("time of day stands in 'Time'" in remark for remark in found.notes["Date"].remarks)
    assert columns["Time"].type is Type.STRING
    assert {name for name, held in columns.items() if held.sentinels == [-200]} == set(columns) - {"Date", "Time"}
    assert (columns["T"].type, columns["T"].decimal) == (Type.NUMBER, ",")
    assert columns["T"].inferred.minimum > 0
    assert columns["T"].inferred.nullable is None
    assert columns["Date"].inferred.nullable is False
    assert found.model.task is Task.REGRESSION
    assert found.model.window == "week"
    assert found.model.primary_key == []


# Types ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "+3"], Type.INTEGER),
        (["1", "2.5", ".5", "1e-3"], Type.NUMBER),
        (["1,5", "2", "-0,25"], Type.NUMBER),
        (["inf", "1.5", "-Inf"], Type.NUMBER),
        ([" 1", " 2", " 3"], Type.INTEGER),
        (["true", "False"], Type.BOOLEAN),
        (["yes", "no"], Type.BOOLEAN),
        (["1", "0"], Type.INTEGER),
        (["00123", "12345"], Type.STRING),
        (["1234567890123456", "2"], Type.STRING),
        (["+4912345678", "+4912345679"], Type.STRING),
        (["1,234", "5,678"], Type.STRING),
        (["6,090", "1,234,567"], Type.STRING),
        (["5 %", "6 %"], Type.STRING),
        (["0x10", "0x11"], Type.STRING),
        (["yes", "maybe"], Type.STRING),
    ],
)
def test_the_type_is_told_by_the_cells(cells, expected):
    assert column(*cells).type is expected


def test_digits_of_a_telephone_are_text_by_their_name():
    assert column("2125551234", "2125551235", name="phone_number").type is Type.STRING
    assert column("2125551234", "2125551235", name="bytes").type is Type.INTEGER


def test_a_few_bad_cells_do_not_retype_a_column_and_lower_the_confidence():
    found = inferred({"x": [str(n) for n in range(500)] + ["oops"]})
    assert found.model.columns["x"].type is Type.INTEGER
    assert found.notes["x"].fields["type"].confidence < 0.995
    assert column(*[str(n) for n in range(50)], "oops").type is Type.STRING
    assert column(*[str(n) for n in range(500)], *["oops"] * 20).type is Type.STRING


def test_digits_of_one_length_of_which_some_end_in_a_letter_are_codes():
    assert column(*[str(n) for n in range(100_000, 101_000)], "10000X", "20000X").type is Type.STRING


@pytest.mark.parametrize("placeholder", ["NULL", "N/A", "-", "?", "nan", "None", "."])
def test_placeholders_among_numbers_are_named_as_missing(placeholder):
    found = column(*[str(n) for n in range(100)], *[placeholder] * 10)
    assert found.type is Type.INTEGER
    assert found.missing == ["", placeholder]


def test_placeholders_with_white_space_are_named_as_they_stand():
    assert column(*[f" {n}" for n in range(100)], " ?", " ?").missing == ["", " ?"]


def test_the_same_texts_among_words_are_words():
    assert column(*["NA", "DE", "FR", "None"] * 20).missing is None


def test_physical_types_bind():
    table = pa.table(
        {
            "number_as_text": ["1", "2"],
            "day": pa.array(["2013-01-01", "2013-01-02"]),
            "code": pa.array(["a", "b"]).dictionary_encode(),
            "flag": [True, None],
            "small": pa.array([1, 2], pa.int8()),
            "huge": pa.array([1, 2**64 - 1], pa.uint64()),
            "cost": pa.array([1, 2], pa.decimal128(10, 2)),
            "born": pa.array([1, 2], pa.date32()),
            "seen": pa.array([1, 2], pa.timestamp("ns", "Europe/Berlin")),
            "list": [[1], [2]],
            "nothing": pa.nulls(2),
        }
    )
    columns = inferred(table, lexical=False).model.columns
    assert {name: str(held.type) for name, held in columns.items()} == {
        "number_as_text": "string",
        "day": "timestamp",
        "code": "string",
        "flag": "boolean",
        "small": "integer",
        "huge": "number",
        "cost": "number",
        "born": "timestamp",
        "seen": "timestamp",
        "list": "other",
        "nothing": "string",
    }
    assert columns["day"].format == "%Y-%m-%d"
    assert columns["seen"].format is None
    assert columns["list"].role is Role.IGNORED
    assert columns["nothing"].role is Role.IGNORED


# Roles ---------------------------------------------------------------------------------------------------------------


def roles(**columns) -> dict[str, Role]:
    held = inferred(pa.table(columns), lexical=False).model.columns
    return {name: column.role for name, column in held.items() if column.role is not Role.FEATURE}


ROWS = 200
UNIQUE = RANDOM.permutation(10_000)[:ROWS]
SHARES = RANDOM.random(ROWS)
BITS = RANDOM.integers(0, 2, ROWS)
HOURS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=int(hour)) for hour in range(ROWS)]


def test_roles_are_told_by_name_and_content_together():
    assert roles(
        order_id=UNIQUE, ts=HOURS, amount=SHARES, y_true=BITS, y_pred=BITS, score=SHARES, model_version=["v1"] * ROWS
    ) == {
        "order_id": Role.ID,
        "ts": Role.TIMESTAMP,
        "y_true": Role.LABEL,
        "y_pred": Role.PREDICTION,
        "score": Role.SCORE,
        "model_version": Role.VERSION,
    }


def test_a_name_alone_is_not_enough():
    words = RANDOM.choice(["striker", "keeper", "wing"], ROWS)
    assert roles(position=words, customer_id=BITS, score_text=words, version=[f"{n}" for n in UNIQUE]) == {}


def test_a_ranking_log_is_understood():
    found = inferred(
        pa.table(
            {
                "query_id": np.repeat(np.arange(40), 5),
                "position": np.tile(np.arange(1, 6), 40),
                "click": BITS,
                "propensity_score": SHARES,
            }
        ),
        lexical=False,
    ).model
    assert [str(held.role) for held in found.columns.values()] == ["query", "position", "label", "propensity"]
    assert found.task is Task.RANKING


def test_scores_of_classes_that_add_up_to_one_are_scores():
    odds = RANDOM.dirichlet([1, 1, 1], ROWS)
    assert roles(p_a=odds[:, 0], p_b=odds[:, 1], p_c=odds[:, 2]) == dict.fromkeys(("p_a", "p_b", "p_c"), Role.SCORE)
    assert roles(p_a=odds[:, 0], p_b=odds[:, 1]) == {}


def test_row_numbers_that_a_data_frame_wrote_are_ignored():
    assert roles(**{"Unnamed: 0": np.arange(ROWS), "x": SHARES}) == {"Unnamed: 0": Role.IGNORED}


def test_unique_numbers_are_an_id_only_by_name_or_without_a_gap():
    assert roles(instant=np.arange(ROWS) + 7) == {"instant": Role.ID}
    assert roles(reading=np.sort(UNIQUE)) == {}
    assert roles(age=np.arange(ROWS)) == {}
    assert roles(pressure=SHARES) == {}


def test_the_event_time_is_the_one_that_is_complete_and_named_so():
    born = [datetime(1960, 1, 1, tzinfo=UTC) + timedelta(days=int(n)) for n in UNIQUE]
    assert roles(birth_date=born, created_at=HOURS, updated_at=HOURS, closed=[None, *HOURS[1:]]) == {
        "created_at": Role.TIMESTAMP
    }
    assert roles(birth_date=born) == {}
    assert roles(label_time=HOURS, ts=HOURS) == {"label_time": Role.LABEL_TIME, "ts": Role.TIMESTAMP}


def test_what_the_caller_declares_wins():
    found = inferred(
        pa.table({"target": BITS, "other": BITS, "seen": HOURS, "ts": HOURS}),
        lexical=False,
        roles={"other": Role.LABEL, "seen": Role.TIMESTAMP},
    )
    assert {name: str(held.role) for name, held in found.model.columns.items()} == {
        "target": "feature",
        "other": "label",
        "seen": "timestamp",
        "ts": "feature",
    }
    assert str(found.notes["other"].fields["role"]) == "declared"
    assert "maybe role: label" in found.notes["target"].remarks[0]


def test_a_segment_is_watched_by_its_values():
    assert inferred({"city": ["a", "b"] * 20}, roles={"city": Role.SEGMENT}).model.segments == ["city"]


def test_protected_columns_are_proposed_and_not_taken():
    found = inferred({"sex": ["F", "M"] * 20, "sextant": ["a", "b"] * 20})
    assert found.model.columns["sex"].role is Role.FEATURE
    assert "role: protected" in found.notes["sex"].remarks[0]
    assert found.notes["sextant"].remarks == ()


def test_a_declared_column_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(ModelError, match=r"no column 'targte'\. Did you mean 'target'"):
        inferred({"target": ["1"]}, roles={"targte": Role.LABEL})


def test_one_role_declared_of_two_columns_is_told_with_both_where_only_one_can_have_it():
    with pytest.raises(ModelError, match=r"'a' and 'b' are both declared to be the label"):
        inferred({"a": ["1", "2"], "b": ["3", "4"]}, roles={"a": Role.LABEL, "b": Role.LABEL})


def test_a_declared_event_time_that_holds_no_times_is_told():
    with pytest.raises(ModelError, match="'city' was declared the event time, but its values, such as 'Rome'"):
        inferred({"city": ["Rome", "Oslo"]}, roles={"city": Role.TIMESTAMP})


# Codes, drift, ranges, keys, windows ----------------------------------------------------------------------------------


def test_integers_that_are_codes_are_counted_by_value():
    table = {
        "zip": RANDOM.choice([10115, 20095, 80331, 50667], ROWS),
        "item_id": RANDOM.integers(0, 40, ROWS),
        "http": RANDOM.choice([200, 204, 301, 404, 500, 503], 2_000)[:ROWS],
        "children": RANDOM.poisson(1, ROWS),
        "flag": BITS,
        "age": RANDOM.integers(18, 90, ROWS),
    }
    columns = inferred(pa.table(table), lexical=False).model.columns
    assert {name for name, held in columns.items() if held.categorical} == {"zip", "item_id", "http"}


def test_classes_that_are_predicted_are_codes():
    found = inferred(pa.table({"gas": RANDOM.integers(1, 7, ROWS)}), lexical=False, roles={"gas": Role.LABEL})
    assert found.model.task is Task.MULTICLASS
    assert found.model.columns["gas"].categorical


def test_identifiers_and_near_unique_texts_are_not_watched_for_drift_and_numbers_are():
    table = {
        "remark": [f"remark number {n}" for n in UNIQUE],
        "user_id": [int(n) // 2 for n in UNIQUE],
        "city": RANDOM.choice(["Rome", "Oslo"], ROWS),
        "pressure": SHARES,
        "birth_date": HOURS,
    }
    columns = inferred(pa.table(table), lexical=False).model.columns
    assert {name for name, held in columns.items() if not held.drift} == {"remark", "user_id", "birth_date"}


def test_what_was_seen_stands_under_inferred_and_sets_no_row_aside():
    columns = inferred({"city": ["Rome", "Oslo", None] * 20, "age": ["18", "20", "96"] * 20}).model.columns
    assert columns["city"].inferred.model_dump(exclude_none=True) == {"allowed": ["Oslo", "Rome"]}
    assert columns["age"].inferred.model_dump(exclude_none=True) == {"nullable": False, "minimum": 18, "maximum": 96}
    for held in columns.values():
        assert (held.nullable, held.minimum, held.maximum, held.allowed, held.unique) == (None,) * 5


def test_values_are_listed_only_if_they_are_few_and_repeat():
    many = inferred({"x": [f"value {n % 60}" for n in range(600)]}).model.columns["x"]
    rare = inferred({"x": [f"value {n}" for n in range(40)]}).model.columns["x"]
    assert many.inferred.allowed is None
    assert rare.inferred.allowed is None
    assert many.inferred.max_length == len("value 59")


@pytest.mark.parametrize(
    ("values", "positive"), [([0, 1], 1), ([-1, 1], 1), (["no", "yes"], "yes"), (["bad", "good", "good"], "bad")]
)
def test_the_positive_label_is_one_or_yes_or_the_rarer(values, positive):
    found = inferred(pa.table({"target": values * 30}), lexical=False)
    assert found.model.task is Task.BINARY
    assert found.model.positive == positive


def test_a_key_may_be_an_identifier_together_with_the_time():
    sensor, time = np.tile([1, 2, 3, 4], 50), np.repeat(HOURS[:50], 4)
    found = inferred(pa.table({"sensor_id": sensor, "ts": time}), lexical=False)
    assert found.model.primary_key == ["sensor_id", "ts"]
    assert found.about["primary_key"].confidence < 0.7
    doubled = inferred(pa.table({"sensor_id": np.ones_like(sensor), "ts": time}), lexical=False)
    assert doubled.model.primary_key == []


def test_an_ignored_column_is_never_part_of_the_inferred_key():
    table = pa.table({"row_id": np.arange(200), "ts": np.repeat(HOURS[:50], 4)})
    assert inferred(table, lexical=False, roles={"row_id": Role.IGNORED}).model.primary_key == []


@pytest.mark.parametrize(("minutes", "window"), [(1, "day"), (60, "week"), (60 * 3, "month"), (60 * 24 * 7, "month")])
def test_a_window_holds_enough_rows(minutes, window):
    times = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes * n) for n in range(5_000)]
    assert inferred(pa.table({"ts": times}), lexical=False).model.window == window


# Odd input -----------------------------------------------------------------------------------------------------------


def test_data_without_rows_say_so():
    with pytest.raises(ModelError, match="no rows to infer a model from"):
        inferred({"a": pa.array([], pa.string())})
    with pytest.raises(ModelError, match="no rows to infer a model from"):
        inferred({})


def test_one_row_all_null_infinities_and_constants_are_read():
    assert (
        inferred({"a": ["1"], "b": ["x"], "c": pa.array([None], pa.string())}).model.columns["c"].role is Role.IGNORED
    )
    table = pa.table({"wild": [np.inf, -np.inf, np.nan, 1.0] * 30, "nan": [np.nan] * 120, "same": [5] * 120})
    columns = inferred(table, lexical=False).model.columns
    assert (columns["wild"].inferred.minimum, columns["wild"].inferred.maximum) == (1, 1)
    assert columns["same"].role is Role.FEATURE


def test_times_and_numbers_beyond_what_python_holds_are_read():
    table = pa.table(
        {
            "when": pa.array([-(10**13), 10**12, 1], pa.timestamp("s")),
            "wide": pa.array([2**63 - 1, -(2**63), 0]),
        }
    )
    columns = inferred(table, lexical=False).model.columns
    assert columns["when"].inferred.maximum == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (columns["wide"].inferred.minimum, columns["wide"].inferred.maximum) == (-(2**63), 2**63 - 1)


def test_nameless_empty_columns_that_a_last_delimiter_makes_are_left_out():
    table = pa.Table.from_arrays(
        [pa.array(["1", "2"]), pa.nulls(2, pa.string()), pa.nulls(2, pa.string())], ["a", "", ""]
    )
    assert list(inferred(table).model.columns) == ["a"]


def test_two_columns_of_one_name_are_refused():
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], ["a", "a"])
    with pytest.raises(ModelError, match="two columns are called 'a'"):
        inferred(table)


def test_a_name_that_can_not_be_one_is_told():
    with pytest.raises(ModelError, match="use 1 to 63 of the letters"):
        infer(pa.table({"a": ["1"]}), lexical=True, text=TextFormat(), name="My Model")


def test_the_sample_is_left_as_it_was():
    table = pa.table({"a": ["1", "-", "2"] * 20})
    before = table.to_pylist()
    inferred(table)
    assert table.to_pylist() == before


@pytest.mark.parametrize("is_extension", [True, False])
def test_uuids_that_are_stored_as_bytes_are_a_key_like_any_text(is_extension):
    stored = pa.array([uuid.UUID(int=n).bytes for n in range(200)], pa.binary(16))
    values = pa.ExtensionArray.from_storage(pa.uuid(), stored) if is_extension else stored
    made = infer(pa.table({"u": values, "x": [1.0] * 200}), lexical=False, text=TextFormat(), name="m").model
    assert (made.columns["u"].type, made.columns["u"].role, made.primary_key) == (Type.STRING, Role.ID, ["u"])


def test_uuids_are_written_out_as_they_are_read_by_everyone():
    known = uuid.UUID("12345678-9abc-4def-8012-3456789abcde")
    stored = pa.array([known.bytes, None, known.bytes], pa.binary(16))
    assert written_out(stored).to_pylist() == [str(known), None, str(known)]
    assert written_out(stored.slice(1)).to_pylist() == [None, str(known)]
    assert written_out(stored.slice(2)).to_pylist() == [str(known)]
    assert written_out(stored.slice(3)).to_pylist() == []


def test_a_declared_id_that_repeats_again_and_again_is_doubted():
    table = {"plan": ["free", "basic", "pro"] * 40, "customer": [f"C{n // 2}" for n in range(118)] + ["X", "Y"]}
    assert inferred(table, roles={"customer": Role.ID}).doubts == ()
    (doubt,) = inferred(table, roles={"plan": Role.ID}).doubts
    assert doubt.startswith("'plan' was declared the id, and has 3 different values in 120 rows, so it names no row.")
