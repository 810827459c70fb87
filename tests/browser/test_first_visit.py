"""A first visit in a real browser: requests, bytes on the wire, and what the paint waits for."""

import pytest
from playwright.sync_api import Browser, Page

from freddy_admin.sandbox.key_scenarios import Scenario
from tests.browser.conftest import sign_in
from tests.flows.panel_process import PanelProcess

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
MAX_REQUESTS = 10
MAX_SENT_BYTES = 90_000
# What the browser itself says of each file it waited for.
BLOCKING = """() => performance.getEntriesByType("resource")
  .filter(entry => entry.renderBlockingStatus === "blocking").map(entry => entry.name)"""


def _count_first_visit(page: Page, address: str) -> None:
    sizes: dict[str, int] = {}

    def note(request: object) -> None:
        counted = request.sizes()  # type: ignore[attr-defined]
        sent = counted["responseBodySize"] + counted["responseHeadersSize"]
        sizes[request.url] = sent  # type: ignore[attr-defined]

    page.on("requestfinished", note)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert 4 <= len(sizes) <= MAX_REQUESTS, sizes
    assert sum(sizes.values()) <= MAX_SENT_BYTES, sizes
    assert [name.partition("?")[0].rpartition("/")[2] for name in page.evaluate(BLOCKING)] == [
        "panel.css"
    ]


def test_first_visit_is_few_small_requests(
    chromium: Browser, panel: PanelProcess, samples: dict[str, Scenario]
) -> None:
    with chromium.new_context(base_url=panel.address) as context:
        _count_first_visit(context.new_page(), f"{panel.address}/accounts/login/")
        sign_in(context, [])
        state = context.storage_state()
    with chromium.new_context(storage_state=state) as context:  # an empty cache
        _count_first_visit(context.new_page(), f"{panel.address}/")


def test_page_follows_a_dark_device_without_a_script(
    chromium: Browser, panel: PanelProcess
) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        with chromium.new_context(java_script_enabled=False, color_scheme=scheme) as context:
            page = context.new_page()
            page.goto(f"{panel.address}/accounts/login/")
            field = page.locator("input[name=login]")
            colours[scheme] = field.evaluate("at => getComputedStyle(at).backgroundColor")
    assert colours["light"] != colours["dark"]
