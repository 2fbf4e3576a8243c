"""The page and the notebook's fragment: self-contained, inert, and honest about what they show."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import checked
from watchkeeper.budget import Finding, Severity
from watchkeeper.checks import BUILT_IN
from watchkeeper.delivery import BadRow
from watchkeeper.model import Task
from watchkeeper.report import to_html, write_html, write_measurements

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


def test_the_overview_counts_cells_and_not_findings():
    assert re.search(r"(alarm|warning) in \d+ windows?\b", Outline(to_html(checked.broken_sensors())).text)
    assert re.search(r"(alarm|warning) in \d+ metrics?\b", Outline(to_html(checked.one_file())).text)


def test_a_long_name_in_the_overview_keeps_its_end():
    made = checked.broken_sensors()
    names = {name: f"sensor_of_the_{i}_roof_in_{name}" for i, name in enumerate(made.model.columns)}
    columns = {names[name]: column for name, column in made.model.columns.items()}
    renamed = replace(
        made,
        model=made.model.model_copy(update={"columns": columns}),
        profiles=replace(made.profiles, columns={names[n]: c for n, c in made.profiles.columns.items()}),
        measurements=[replace(m, columns=tuple(names[n] for n in m.columns)) for m in made.measurements],
        findings=[replace(f, columns=tuple(names[n] for n in f.columns)) for f in made.findings],
    )
    page = to_html(renamed)
    at = list(names).index("temp")
    assert f"<b><span>sensor_of_the_{at}_roof_</span><span>in_temp</span></b>" in page


def test_a_table_of_one_column_is_told_as_such():
    made = checked.one_file()
    one = {name: column for name, column in made.model.columns.items() if name == "temp"}
    alone = replace(
        made,
        model=made.model.model_copy(update={"columns": one}),
        profiles=replace(made.profiles, columns={"temp": made.profiles.columns["temp"]}),
        measurements=[m for m in made.measurements if m.columns == ("temp",)],
        findings=[f for f in made.findings if f.columns == ("temp",)],
    )
    text = Outline(to_html(alone)).text
    assert "The only column" in text
    assert "1 column" not in text


def test_numbers_below_zero_have_a_minus_sign_in_sentences_too():
    message = "`a` fell to -0.5, was 0.2; -0.1 to 1 is usual. “-200” is a value, 2014-01-01 a day."
    odd = Finding("change", "x", "x", ("temp",), Severity.ALARM, message, "Look.")
    text = Outline(to_html(replace(checked.one_file(), findings=[odd]))).text
    assert "fell to −0.5, was 0.2; −0.1 to 1" in text
    assert "“-200” is a value, 2014-01-01 a day" in text


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


def test_all_numbers_of_columns_on_the_page_come_from_one_count():
    table, before = checked.halves("2011-01-03", "2011-07-04")
    table = table.slice(0, 600)
    swapped = checked.with_column(table, "temp", table["windspeed"])
    page = to_html(checked.check(swapped, before, by=None, baseline_by="week"))
    text = Outline(page).text
    loud, total = map(int, re.search(r"(\d+) of (\d+) columns with findings", text).groups())
    assert f"in {loud} of {total} columns." in text
    assert re.findall(r"(\d+) columns? (?:is|are) as before", text) == [str(total - loud)] * 2
    assert f"All {total} columns" in text
    marked = re.findall(r'<tr id="c\w+"><th scope="row">(<a)?.*?<td data-v="([\d.e+]+)">(<svg)?', page)
    assert sum(bool(mark) for _, _, mark in marked) == loud
    assert all(bool(link) == bool(mark) == (float(evidence) > 1) for link, evidence, mark in marked)


def test_a_mark_without_evidence_is_that_of_a_rule():
    assert re.search(r">temp</a></th>.*?</svg>rule · [\d.]+×</td>", to_html(checked.one_file()))


def test_a_segment_of_a_personal_column_is_nowhere_on_the_page(tmp_path):
    table, before = (
        checked.with_column(one, "weathersit", checked.pc.cast(one["weathersit"], "string"))
        for one in checked.halves("2011-01-03", "2011-07-04")
    )
    names = checked.pa.array(["nobody", "Ann Example", "Bob Example", "Cyd Example", "Dee Example"])
    table, before = (
        checked.with_column(one, "weathersit", names.take(checked.pc.cast(one["weathersit"], "int64")).to_pylist())
        for one in (table, before)
    )
    columns = {**checked.MODEL.columns, "weathersit": checked.Column(type=checked.Type.STRING, pii=True)}
    ann = checked.pc.equal(table["weathersit"], "Ann Example")
    table = checked.with_column(table, "windspeed", checked.pc.if_else(ann, None, table["windspeed"]))
    model = checked.MODEL.model_copy(update={"columns": columns})
    result = checked.check(table, before, by=None, baseline_by="month", segment="weathersit", model=model)
    assert any(finding.segment == "weathersit=Ann Example" for finding in result.findings)
    page = to_html(result)
    assert "weathersit=(masked " in page
    write_measurements(result, tmp_path / "m.csv")
    assert "weathersit=(masked " in (tmp_path / "m.csv").read_text()
    for shown in (page, result._repr_html_(), (tmp_path / "m.csv").read_text()):
        assert "Example" not in shown


def predictions(task, weeks):
    """Hours of half a year with a model's answers, in two halves, and the model that declares them."""
    sides, rng = [], np.random.default_rng(0)
    kind = {"binary": checked.Type.INTEGER, "multiclass": checked.Type.STRING}.get(task, checked.Type.NUMBER)
    columns = {**checked.MODEL.columns, "wide": checked.Column(type=checked.Type.STRING)}
    columns["label"] = checked.Column(type=kind, role=checked.Role.LABEL)
    columns["made"] = checked.Column(
        type=checked.Type.NUMBER if task == "ranking" else kind,
        role=checked.Role.SCORE if task == "ranking" else checked.Role.PREDICTION,
    )
    if task == "ranking":
        columns["query"] = checked.Column(type=checked.Type.STRING, role=checked.Role.QUERY, drift=False)
    if task == "binary":
        columns["score"] = checked.Column(type=checked.Type.NUMBER, role=checked.Role.SCORE)
    for half in checked.halves("2011-01-03", weeks):
        cnt = half["cnt"].to_numpy().astype(float)
        guess = cnt + rng.normal(0, 40, len(cnt))
        label, made, more = cnt, guess, {}
        if task == "binary":
            label, made = (cnt > 100).astype(np.int64), (guess > 100).astype(np.int64)
            more["score"] = 1 / (1 + np.exp(-(guess - 100) / 40))
        elif task == "multiclass":
            label, made = (np.array(["few", "some", "many"])[np.digitize(v, [30, 150])] for v in (cnt, guess))
        elif task == "ranking":
            label = np.digitize(cnt, [30, 150]).astype(float)
            more["query"] = [f"q{i // 8}" for i in range(len(cnt))]
        more |= {"label": label, "made": made, "wide": [f"v{i}" for i in rng.integers(0, 300, len(cnt))]}
        added = {name: checked.pa.array(values) for name, values in more.items()}
        sides.append(checked.pa.table({**{name: half[name] for name in half.column_names}, **added}))
    return *sides, checked.MODEL.model_copy(update={"task": Task(task), "columns": columns})


JUDGED = {
    "null_share", "invalid_share", "shape", "spike", "range_low", "range_high", "unseen_share", "rise", "rows",
    "correlation",
}  # fmt: skip
BY_TASK = {
    "binary": {"roc_auc", "calibration_error", "accuracy"},
    "multiclass": {"accuracy"},
    "regression": {"mae", "bias"},
    "ranking": {"ndcg@10"},
}


@pytest.mark.parametrize("segment", [None, "weathersit"])
@pytest.mark.parametrize("by", [None, "month"])
@pytest.mark.parametrize("task", BY_TASK)
def test_every_judged_metric_can_lead_the_page(task, by, segment):
    table, before, model = predictions(task, "2011-07-04")
    result = checked.check(table, before, model=model, by=by, baseline_by="month", segment=segment)
    say = {check.name: check.say for check in BUILT_IN}
    leads = {}
    for one in result.measurements:
        known = [i for i, value in enumerate(one.value) if value == value and one.slices[i].segment == segment_of(one)]
        if one.judged and known:
            at = one.slices[known[-1]]
            lead = Finding(
                kind="change", check=one.check, metric=one.metric, columns=one.columns, severity=Severity.ALARM,
                message=say[one.check](one, known[-1], (None, None)), remedy="Look.", value=float(one.value[known[-1]]),
                rows=int(one.rows[known[-1]]), window=at.window, segment=at.segment,
            )  # fmt: skip
            leads.setdefault((one.metric, at.segment is None), lead)
    assert {metric for metric, _ in leads} >= (JUDGED | BY_TASK[task]) - (set() if by else {"rows"})
    for lead in leads.values():
        alone = replace(result, findings=[lead])
        outline = Outline(to_html(alone))
        assert outline.open == []
        assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
        assert "What was found, worst first" in outline.text
        assert Outline(alone._repr_html_()).open == []


def segment_of(measured):
    """The segment that a measurement is of: all of its slices have the same one."""
    return measured.slices[0].segment
