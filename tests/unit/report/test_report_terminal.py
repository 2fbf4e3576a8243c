"""A result on a terminal: one screen, worst first, plain when piped."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import checked
from watchkeeper.budget import Finding, Severity
from watchkeeper.report import print_result, progress
from watchkeeper.report.progress import amount


def printed(result, width=100, **more):
    out = io.StringIO()
    print_result(result, Console(file=out, width=width, **more))
    return out.getvalue()


def test_the_first_line_holds_the_verdict_and_what_happened():
    first = printed(checked.one_file()).splitlines()[0]
    assert first.startswith("■ quarantine rows: 2 rows of 168 are bad; ")


def test_a_quiet_file_takes_few_lines():
    text = printed(checked.unchanged())
    assert text.startswith("✓ accept: Nothing is wrong.")
    assert "All 6 columns are as before." in text
    assert len(text.splitlines()) <= 8


@pytest.mark.parametrize("width", [60, 80, 120])
def test_everything_fits_one_screen_and_the_width(width):
    lines = printed(checked.wide(128, 12), width).splitlines()
    assert len(lines) <= 34
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_piped_output_holds_no_escape_whatever_the_data_say():
    text = printed(checked.one_file())
    assert "\x1b" not in text
    assert "\\x1b[31m31-02-2012" in text
    assert "row 77: `ts` is no date" in text


def test_a_terminal_gets_colour_unless_no_color_is_set(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in printed(checked.broken_sensors(), force_terminal=True, color_system="truecolor")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[38" not in printed(checked.broken_sensors(), force_terminal=True, color_system="truecolor")


def test_square_brackets_in_names_are_no_markup():
    odd = Finding("change", "shape", "shape", ("[red]x[/red]",), Severity.ALARM, "`[red]x[/red]` changed.", "Look.")
    assert "`[red]x[/red]` changed." in printed(replace(checked.unchanged(), findings=[odd]))


def test_in_brief_the_first_findings_time_is_told_once_and_that_of_the_others_beside_them():
    result = checked.broken_sensors()
    weeks = [at.window for at in result.profiles.slices]
    findings = [
        Finding("change", "shape", "shape", (name,), Severity.ALARM, f"`{name}` changed.", "Look.", window=weeks[i])
        for name, i in (("hum", 3), ("temp", 9))
    ]
    out = io.StringIO()
    print_result(replace(result, findings=findings), Console(file=out, width=100), brief=True)
    text = " ".join(out.getvalue().split())
    assert "Worst is `hum`, in 24–30 January 2011." in text
    assert "■ `hum` changed. ■ `temp` changed. Only in 7–13 March 2011." in text


def test_the_last_line_says_what_was_written_where():
    result = replace(checked.unchanged(), written=[Path("report.html"), Path("good.csv")])
    assert printed(result).splitlines()[-1] == "  wrote     report.html and good.csv in 1.2 s"


def test_what_does_not_fit_is_pointed_to():
    columns = [f"c{i}" for i in range(9)]
    findings = [
        Finding("violation", f"check_{c}", f"check_{c}", (c,), Severity.WARNING, f"`{c}` is wrong.", "")
        for c in columns
    ]
    result = replace(checked.unchanged(), findings=findings, written=[Path("out/report.html")])
    assert "4 more findings; out/report.html shows them all" in printed(result)


def test_the_same_remedy_is_said_once():
    findings = [
        Finding("violation", check, check, (check,), Severity.WARNING, f"`{check}` is wrong.", "Ask the sender.")
        for check in ("a", "b")
    ]
    assert printed(replace(checked.unchanged(), findings=findings)).count("→ Ask the sender.") == 1


def test_a_terminal_without_unicode_gets_plain_letters():
    class Latin(io.StringIO):
        encoding = "ascii"

    out = Latin()
    print_result(checked.broken_sensors(), Console(file=out, width=80))
    assert out.getvalue().isascii()


def test_progress_is_silent_where_nobody_looks():
    out = io.StringIO()
    with progress("Reading", 100, "rows", console=Console(file=out)) as bar:
        bar.advance(50)
    assert out.getvalue() == ""


def test_progress_on_a_terminal_shows_amount_and_rate():
    out = io.StringIO()
    with progress("Reading \x1b[31m", 2_000_000, console=Console(file=out, force_terminal=True, width=100)) as bar:
        bar.advance(1_000_000)
    assert "1 MB of 2 MB" in out.getvalue()
    assert "Reading \\x1b[31m" in out.getvalue()
    assert amount(500, None, 250.0, "rows") == "500 rows · 250 rows/s"


def test_a_path_that_was_written_stays_in_one_piece_so_that_it_can_be_copied(tmp_path):
    far = tmp_path / ("a-folder-with-a-long-name-" * 4) / "report.html"
    assert str(far) in printed(replace(checked.one_file(), written=[far, tmp_path / "r.json"]), 60)
