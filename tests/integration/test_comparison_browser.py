"""The pages of a comparison and of a card in a real browser: nothing complains, nothing scrolls sideways."""

from __future__ import annotations

import shutil

import pytest

import compared
from watchkeeper.release.compare.difference import difference
from watchkeeper.report.comparison_html import to_html
from watchkeeper.report.document import Document, Items, Section, Table
from watchkeeper.report.document_html import to_html as document_html

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    table = compared.later()
    old, new = (compared.answers(kind, table) for kind in ("plain", "tree"))
    found = difference(compared.the_model(), table, ("v7", old), ("<b>v8</b>", new), thresholds=(0.4, 0.5))
    (folder / "binary.html").write_text(to_html(found), encoding="utf-8")
    old, new = (compared.answers(kind, table, "level") for kind in ("plain", "tree"))
    found = difference(compared.the_model("multiclass", "level"), table, ("v7", old), ("v8", new))
    (folder / "multiclass.html").write_text(to_html(found), encoding="utf-8")
    long = "x" * 300
    sections = [Section("Facts", [Table(("", ""), [("SHA-256", "a" * 64), (long, long)]), Items([long])])]
    (folder / "card.html").write_text(document_html(Document("m v1", long, sections)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["binary", "multiclass", "card"])
def test_each_page_is_quiet_and_fits_its_width(browser, pages, name, width):
    page, heard = browser.new_page(viewport={"width": width, "height": 800}), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto((pages / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text()
    page.close()
    assert heard == []


def test_pictures_are_drawn_and_named(browser, pages):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((pages / "binary.html").as_uri())
    pictures = page.locator("figure svg[role=img]")
    assert pictures.count() >= 3
    assert all(pictures.nth(i).get_attribute("aria-label") for i in range(pictures.count()))
    assert page.locator("b", has_text="<b>v8</b>").count() >= 1
    page.close()
