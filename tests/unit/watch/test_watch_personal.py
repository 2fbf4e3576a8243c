"""What is told of personal columns, from the file to every sentence."""

from __future__ import annotations

import pyarrow as pa

import watchkeeper as wk
from watchkeeper.model import Column, Model

MODEL = Model(
    name="clinic",
    columns={
        "diag": Column(type="string", pii=True, allowed=["HIV", "flu", "none"]),
        "visits": Column(type="integer"),
    },
)
BASE = pa.table({"diag": ["HIV", "flu", "none"] * 40, "visits": list(range(120))})
NEW = pa.table({"diag": ["SECRET77", *["flu"] * 59], "visits": list(range(60))})


def test_allowed_values_of_a_personal_column_stand_in_no_sentence(tmp_path):
    quarantine, page = tmp_path / "bad.jsonl", tmp_path / "r.html"
    result = wk.check(NEW, BASE, model=MODEL, quarantine=quarantine, html=page)
    assert (result.verdict, result.quarantined[0].reason) == (
        "quarantine_rows",
        "`diag` is none of the 3 allowed values",
    )
    for told in (result.to_json(), page.read_text(encoding="utf-8"), repr(result)):
        assert "HIV" not in told
        assert "SECRET77" not in told
    assert "HIV" not in quarantine.read_text(encoding="utf-8")


def test_profiles_in_a_log_line_hold_no_value():
    made = wk.profile(BASE, model=MODEL, segment="diag")
    assert repr(made) == "<ProfileFile clinic: <Profiles of 120 rows: 3 slices, 2 columns>>"
