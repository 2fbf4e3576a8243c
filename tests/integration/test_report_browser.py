"""The report in a real browser: drawn at once, read by keyboard, on a phone, in the dark, on paper, without script."""

from __future__ import annotations

import shutil

import pytest

import checked
from watchkeeper.report import to_html

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    made = {"sensor": checked.broken_sensors(), "file": checked.one_file(), "wide": checked.wide(200, 100)}
    for name, result in made.items():
        (folder / f"{name}.html").write_text(to_html(result), encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser, pages):
    """Opens a page in a context of its own; fails where the console heard a complaint."""
    contexts, heard = [], []

    def opened(name, **how):
        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto((pages / f"{name}.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


def test_two_hundred_columns_by_a_hundred_windows_are_small_and_drawn_at_once(visit, pages):
    assert (pages / "wide.html").stat().st_size < 1_500_000
    page = visit("wide", viewport={"width": 1280, "height": 900})
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert loaded < 2_000
    assert page.locator("#overview .r").count() == 201


@pytest.mark.parametrize("name", ["sensor", "file", "wide"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_scrolls_sideways(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pointing_at_a_cell_tells_its_sentence_and_a_click_opens_the_column(visit):
    page = visit("sensor", viewport={"width": 1280, "height": 900})
    row = page.locator(".r", has_text="hum").first
    box = row.locator("svg").bounding_box()
    x, y = box["x"] + box["width"] * 9.5 / 26, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    told = page.locator("#readout").inner_text()
    assert told.startswith("hum, 7–13 March 2011: Alarm.")
    assert "is missing in 100 % of 81 rows" in told
    page.mouse.click(x, y)
    page.wait_for_url(f"**{row.get_attribute('href')}")


def test_the_keyboard_reaches_everything(visit):
    page = visit("sensor", viewport={"width": 1280, "height": 900})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "r"
    first = page.locator("#readout").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert "27 June – 3 July 2011" in page.locator("#readout").inner_text()
    assert page.locator("#readout").inner_text() != first
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") != "r"
    page.locator(".r").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#f*")


def test_a_finger_reads_a_cell_first_and_opens_it_with_the_second_tap(visit):
    page = visit("file", viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True)
    cell = page.locator(".r svg").first
    cell.tap(position={"x": 3, "y": 5})
    assert "#" not in page.url
    assert ", missing: " in page.locator("#readout").inner_text()
    cell.tap(position={"x": 3, "y": 5})
    page.wait_for_url("**#f*")


def test_the_table_is_found_in_and_sorted(visit):
    page = visit("wide", viewport={"width": 1280, "height": 900})
    page.locator("#find").fill("feature_19")
    assert page.locator("#table tbody tr:visible").count() == 10
    page.locator("#find").fill("")
    page.get_by_role("button", name="evidence").click()
    values = page.locator("#table tbody tr td:last-child").evaluate_all(
        "cells => cells.map((cell) => parseFloat(cell.dataset.v))"
    )
    known = [value for value in values if value == value]
    assert known == sorted(known, reverse=True)


def test_without_script_all_of_it_is_there(visit):
    page = visit("sensor", java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.locator(".r", has_text="hum").first.click()
    page.wait_for_url("**#f*")
    assert page.locator("article figure svg").count() >= 2
    assert not page.locator("#readout").is_visible()


CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = (at) => { for (; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const bad = [];
  for (const at of document.querySelectorAll("body *")) {
    const own = [...at.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || at.closest("script, style, .skip") || !at.checkVisibility()) continue;
    const style = getComputedStyle(at), ink = parse(at.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(at))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) bad.push([at.tagName, at.textContent.trim().slice(0, 30), (a + .05) / (b + .05)]);
  }
  return bad;
}"""  # noqa: E501


@pytest.mark.parametrize("name", ["sensor", "file"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(visit, name, scheme):
    page = visit(name, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    assert page.evaluate(CONTRAST) == []


def test_paper_shows_the_findings_without_what_only_a_screen_can_do(visit):
    page = visit("sensor", viewport={"width": 800, "height": 1000})
    page.emulate_media(media="print")
    assert not page.locator("#readout").is_visible()
    assert page.locator("article").first.is_visible()
