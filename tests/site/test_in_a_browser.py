"""The pages as people meet them: in Chromium, from a file, with no network, by keyboard and by screen reader."""

from __future__ import annotations

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

from tests.site.conftest import NASTY, Sample

GRAVE = {"serious", "critical"}
PAGES = (
    "start",
    "days",
    "day",
    "year",
    "suites",
    "suite",
    "batch",
    "nasty batch",
    "result",
    "vectors",
    "orphans",
    "empty",
)


def page_of(sample: Sample, name: str) -> Path:
    """The file of a page."""
    [day] = (sample.folder / "days").iterdir()
    [year] = (sample.folder / "years").iterdir()
    known = {
        "start": lambda: sample.folder / "index.html",
        "days": lambda: sample.folder / "days.html",
        "day": lambda: day,
        "year": lambda: year,
        "suites": lambda: sample.folder / "suites.html",
        "suite": lambda: sample.folder / "expectations" / "raw.html",
        "batch": lambda: sample.batch("rolled back"),
        "nasty batch": lambda: sample.batch("nasty"),
        "result": lambda: sample.result("nasty", "raw"),
        "vectors": lambda: sample.result("rolled back", "vectors"),
        "orphans": lambda: sample.result("orphans", "graph"),
        "empty": lambda: sample.result("nothing", "raw"),
    }
    return known[name]()


@pytest.fixture(params=PAGES)
def file(request: pytest.FixtureRequest, sample: Sample) -> Path:
    return page_of(sample, request.param)


def opened(
    browser: Browser, file: Path, *, dark: bool = False, width: int = 1280, offline: bool = True
) -> tuple[Page, list[str], list[str]]:
    """A page; what it asked for, and what it complained of, fill up while it is open."""
    context = browser.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900}, offline=offline
    )
    page, asked, said = context.new_page(), list[str](), list[str]()

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    return page, asked, said


def test_nothing_is_asked_of_another_place_and_nothing_complains(browser: Browser, file: Path, sample: Sample) -> None:
    page, asked, said = opened(browser, file)
    inside = sample.folder.as_uri()
    assert [url for url in asked if not url.startswith((inside, "data:"))] == []
    assert f"{inside}/style.css" in asked
    assert said == []
    page.context.close()


def test_it_has_no_script_and_names_no_other_server(file: Path) -> None:
    text = file.read_text("utf-8")
    assert "<script" not in text
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//[^\"]*", text) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_grave(browser: Browser, file: Path, dark: bool) -> None:
    page, _, _ = opened(browser, file, dark=dark)
    found = Axe().run(page).response["violations"]
    grave = [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in GRAVE]
    page.context.close()
    assert grave == []


def test_it_is_not_wider_than_a_phone(browser: Browser, file: Path) -> None:
    page, _, _ = opened(browser, file, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


def test_every_link_of_every_page_leads_somewhere(sample: Sample) -> None:
    broken = [
        f"{file.relative_to(sample.folder)} -> {target}"
        for file in sample.folder.rglob("*.html")
        for target in re.findall(r"href=\"([^\"#]+)", file.read_text("utf-8"))
        if not target.startswith("data:") and not (file.parent / unquote(urlsplit(target).path)).is_file()
    ]
    assert broken == []


@pytest.mark.parametrize("name", ["nasty batch", "result"])
def test_markup_in_data_shows_as_text(browser: Browser, sample: Sample, name: str) -> None:
    page, _, _ = opened(browser, page_of(sample, name))
    assert NASTY in page.inner_text("main")
    assert page.title() != "owned"
    assert page.locator("main script, main img").count() == 0
    page.context.close()


def test_the_first_thing_the_keyboard_reaches_leads_to_the_content(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "start"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.context.close()


def test_the_first_page_says_what_needs_a_person(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "start"))
    text = page.inner_text("main")
    assert "3 batches are halted" in text
    assert "sampled vectors are invalid" in text  # why
    assert "30 vectors are fallbacks" in text
    assert "python run.py reembed" in text
    assert page.locator("tr", has_text=sample.outcomes["clean"].batch_id[:12]).get_by_text("closed").count() == 1
    page.context.close()


def test_a_chart_is_there_and_its_numbers_too(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "start"))
    figures = page.locator("figure")
    assert figures.count() == 3
    for number in range(3):
        assert figures.nth(number).locator("svg[role=img]").count() == 1
        assert figures.nth(number).locator("details tbody tr").count() == len(sample.outcomes)
    page.context.close()


def test_parts_of_a_bar_differ_without_colour(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "start"))
    bars = page.locator("figure").first
    fills = set(bars.locator("svg path[fill]").evaluate_all("all => all.map(one => one.getAttribute('fill'))"))
    assert {"url(#hatch-2)", "url(#hatch-3)", "url(#hatch-4)"} <= fills
    assert bars.locator("svg pattern").count() == 3
    page.context.close()


def test_a_chart_is_as_wide_as_a_phone(browser: Browser, sample: Sample) -> None:
    """What is drawn wider is scrolled, its newest part out of sight, or its text is too small to read."""
    page, _, _ = opened(browser, page_of(sample, "start"), width=390)
    for box in page.locator("figure > .scroll").all():
        assert box.evaluate("one => one.scrollWidth <= one.clientWidth")
        assert (
            box.locator("svg").evaluate("one => one.getBoundingClientRect().width / one.viewBox.baseVal.width") > 0.75
        )
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "laptop"])
def test_every_step_of_every_batch_is_seen_without_scrolling(browser: Browser, sample: Sample, width: int) -> None:
    page, _, _ = opened(browser, page_of(sample, "start"), width=width)
    table = page.locator("table.timeline")
    assert table.locator("xpath=..").evaluate("one => one.scrollWidth <= one.clientWidth")
    row = table.locator("tr", has_text=sample.outcomes["rolled back"].batch_id[:12])
    assert row.get_by_text("embed: rolled back").count() == 1
    page.context.close()


def test_a_printed_page_holds_its_queries(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "orphans"))
    assert not page.locator("pre.command").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("pre.command").first.is_visible()
    assert page.locator("pre.command").first.bounding_box()
    page.context.close()


def test_a_page_from_a_web_server_is_the_same(browser: Browser, sample: Sample) -> None:
    """Every page, and every link followed once; nothing is asked of another server, and nothing complains."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(sample.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}/"
        page, asked, said = opened(browser, page_of(sample, "start"), offline=False)
        for name in PAGES:
            answer = page.goto(base + quote(str(page_of(sample, name).relative_to(sample.folder))))
            assert answer is not None
            assert answer.ok
        page.context.close()
        server.shutdown()
    assert [url for url in asked if not url.startswith((base, "data:", sample.folder.as_uri()))] == []
    assert said == []


def test_the_vector_gate_shows_its_sample_and_the_threshold(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "vectors"))
    assert "threshold 5.0%" in str(page.locator("figure svg").get_attribute("aria-label"))
    assert "30 of 30 (100.00%) sampled vectors are invalid" in page.inner_text("main")
    page.context.close()


def test_orphans_are_grouped_by_the_campaign_they_miss(browser: Browser, sample: Sample) -> None:
    page, _, _ = opened(browser, page_of(sample, "orphans"))
    assert page.get_by_role("table", name="What is missing, and how many records want it").locator("tbody tr").count()
    assert "MATCH" in page.locator("pre.command").first.inner_text() or page.locator("details").count()
    page.context.close()
