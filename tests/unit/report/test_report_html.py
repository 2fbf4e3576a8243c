"""The page and the notebook's fragment: self-contained, inert, and honest about what they show."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import checked
from watchkeeper.budget import Finding, Severity
from watchkeeper.delivery import BadRow
from watchkeeper.report import to_html, write_html

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "circle"}


class Outline(HTMLParser):
    """Tags that are opened and closed, ids, links, and the words on the page."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.links, self.scripts, self.tags, self.words = [], [], [], 0, set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if "href" in attrs else []
        self.scripts += tag == "script"
        assert not any(name.startswith("on") or name in ("style", "src") for name in attrs), attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not set(self.open) & {"script", "style"}:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())


@pytest.mark.parametrize("made", [checked.broken_sensors, checked.one_file, checked.unchanged, checked.rejected])
def test_the_page_is_well_formed_and_every_link_leads_somewhere_on_it(made):
    outline = Outline(to_html(made()))
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)


def test_nothing_comes_from_elsewhere():
    page = to_html(checked.broken_sensors())
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "default-src &#39;none&#39;" in page
    assert Outline(page).tags.isdisjoint({"link", "img", "iframe", "object", "base"})


def test_the_first_screen_answers_what_since_when_how_bad_and_what_now():
    text = Outline(to_html(checked.broken_sensors())).text
    for question in ("Since when", "How bad", "What now", "What is fine"):
        assert question in text
    assert "`" not in text.split("What was found")[0]


def test_a_finding_has_its_chart_with_the_usual_range_and_its_two_distributions():
    page = to_html(checked.broken_sensors())
    text = Outline(page).text
    assert "Share of missing values of hum : 100 % in 14–20 March 2011" in text
    assert "0–1.22 % is usual; 70 to 84 rows a window" in text
    assert "The median of windspeed is 15, was 12" in text
    assert 'class="bd"' in page
    assert 'class="hb"' in page


def test_one_window_is_shown_metric_by_metric():
    text = Outline(to_html(checked.one_file())).text
    assert "metric by metric" in text
    assert "missing invalid shape" in text
    assert "is missing in 33 % of 168 rows" in text


def test_rows_set_aside_are_listed_and_markup_in_them_is_only_shown():
    page = to_html(checked.one_file())
    assert "<script>alert(1)</script>" not in page
    assert "\\x1b[31m31-02-2012 <script>alert(1)</script>" in Outline(page).text


def test_a_rejected_file_has_a_page_of_few_words():
    text = Outline(to_html(checked.rejected())).text
    assert "The file can't be used: the cells are divided by a tab" in text
    assert "Nothing was compared with train.parquet." in text


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a\nb\x1b[31m\u202e",
    "`tick`",
    "{{ 7*7 }}",
    "x" * 10_000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_ever_shown(name):
    result = checked.wide(3, 4, names=name.replace("{", "{{").replace("}", "}}") + "{}")
    planted = Finding(
        kind="change",
        check="shape",
        metric="shape",
        columns=(f"{name}0",),
        severity=Severity.ALARM,
        message=f"`{name}0` changed to “{name}”.",
        remedy=name,
        window=result.profiles.slices[1].window,
        value=0.5,
    )
    result = replace(
        result,
        findings=[planted, *result.findings],
        quarantined=[BadRow(1, (f"{name}1",), name, file=name)],
        rows_quarantined=1,
        current_name=name,
        baseline_name=name,
    )
    page = to_html(result)
    outline = Outline(page)
    assert outline.open == []
    assert outline.scripts == 2
    assert "img" not in outline.tags
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "x" * 700 not in page
    json.loads(re.search(r'<script type="application/json" id="cells">(.*?)</script>', page, re.DOTALL)[1])
    fragment = result._repr_html_()
    assert Outline(fragment).scripts == 0
    assert len(fragment) < 60_000


def test_values_of_a_personal_column_are_nowhere_on_the_page():
    table, before = checked.bikes("2011-06-01", "2011-07-01"), checked.bikes("2011-01-01", "2011-06-01")
    secret = ["4111-" + str(1000 + i % 9) for i in range(len(table))]
    table, before = (
        checked.with_column(one, "weathersit", values)
        for one, values in ((table, secret), (before, ["none"] * len(before)))
    )
    columns = {**checked.MODEL.columns, "weathersit": checked.Column(type=checked.Type.STRING, pii=True)}
    result = checked.check(table, before, model=checked.MODEL.model_copy(update={"columns": columns}))
    assert any("weathersit" in finding.columns for finding in result.findings)
    assert any("4111" in finding.message for finding in result.findings)
    page = to_html(result)
    assert "4111" not in page
    assert "4111" not in result._repr_html_()
    assert "names not shown" in page


def test_a_segment_is_named_and_compared_with_its_own_baseline():
    table, before = checked.halves("2011-01-03", "2011-07-04")
    calm = checked.pc.equal(table["weathersit"], 2)
    table = checked.with_column(table, "windspeed", checked.pc.if_else(calm, None, table["windspeed"]))
    result = checked.check(table, before, by="month", segment="weathersit")
    worst = next(one for one in result.findings if one.segment == "weathersit=2" and one.columns == ("windspeed",))
    text = Outline(to_html(replace(result, findings=[worst]))).text
    assert "This is for weathersit=2." in text
    assert "Share of missing values of windspeed : 100 %" in text


def test_many_windows_share_cells_and_very_wide_data_are_told_in_part():
    page = to_html(checked.wide(8, 600, rows=20))
    heads = json.loads(re.search(r'id="cells">(.*?)</script>', page, re.DOTALL)[1])["heads"]
    assert len(heads) <= 240
    assert " to " in heads[0]


def test_a_page_is_written_whole(tmp_path):
    write_html(checked.unchanged(), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>")


def test_a_notebook_shows_the_answer_in_its_own_colours():
    fragment = checked.broken_sensors()._repr_html_()
    outline = Outline(fragment)
    assert outline.open == []
    assert outline.ids == []
    assert "is missing in 100 % of 82 rows" in outline.text
    selectors = re.findall(r"(?:^|})\s*([^{}@]+?)\s*{", re.search(r"<style>(.*?)</style>", fragment, re.DOTALL)[1])
    assert all(part.strip().startswith(".wk") for selector in selectors for part in selector.split(","))
