"""Every page in a real browser: no policy violation, nothing cut off, nothing unreadable."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from freddy_admin.sandbox.key_scenarios import Scenario
from tests.browser.conftest import LONG_NAME, ShareOf, sign_in
from tests.browser.layout_checks import (
    AXE_OPTIONS,
    HEIGHT,
    NARROW,
    WIDE,
    find_layout_problems,
)
from tests.flows.panel_process import EMAIL, PASSWORD, PanelProcess
from tests.flows.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
LONG = f"/organisations/{LONG_NAME.lower()}/"
PAGES = (
    "/",
    "/?state=needs_you",
    "/?q=nothing-like-this",
    "/organisations/alder/",
    "/organisations/birch/",
    "/organisations/damson/",
    "/organisations/elm/",
    "/organisations/alder/?over=day",
    "/organisations/alder/?show=syncs",
    "/organisations/alder/?show=failures",
    "/organisations/alder/connectors/",
    "/organisations/alder/connectors/?q=nothing-like-this",
    "/organisations/alder/auth-configs/",
    "/organisations/damson/connectors/",
    "/organisations/damson/auth-configs/",
    "/syncs/new/",
    "/syncs/new/?q=nothing-like-this",
    "/organisations/firimg-srcx-onerroralert1scriptalert2script/",
    LONG,
    *(f"{LONG}{page}/" for page in ("connectors", "auth-configs", "keys/add", "rename", "remove")),
    *(f"{LONG}{page}/" for page in ("members", "members/invite")),
    *(f"{LONG}keys/7/{page}" for page in ("", "replace/", "edit/", "revoke/", "sync/")),
    "/add-organisation/",
    "/alerts/",
    "/alerts/?state=all",
    "/alerts/?severity=warning&mine=1",
    "/alerts/windows/",
    f"{LONG}alerts/windows/new/",
    "/audit/",
    "/system/",
    "/profile/",
    "/profile/tokens/",
    "/profile/tokens/new/",
    "/accounts/password/change/",
    "/accounts/2fa/",
)


@pytest.fixture(scope="module")
def checked_panel(panel: PanelProcess, samples: dict[str, Scenario]) -> PanelProcess:
    """The panel, once all samples were checked."""
    with panel.sign_in() as browser:
        overview = f"{panel.address}/"
        assert wait_until(lambda: "Not checked yet" not in browser.get(overview, timeout=120).text)
    return panel


@pytest.fixture
def checked_page(checked_panel: PanelProcess, page: Page) -> Page:
    """A signed-in page of the panel whose samples were checked."""
    return page


@pytest.fixture
def layout_page(
    colour_scheme_browser: Browser,
    checked_panel: PanelProcess,
    colour_scheme: str,
    console_problems: list[str],
) -> Iterator[Page]:
    context = colour_scheme_browser.new_context(
        base_url=checked_panel.address,
        color_scheme="dark" if colour_scheme == "dark" else "light",
        viewport={"width": NARROW, "height": HEIGHT},
        reduced_motion="reduce",
    )
    yield sign_in(context, console_problems)
    context.close()


@pytest.mark.drill
def test_pages_fit_a_phone_and_read_well(layout_page: Page, share_of: ShareOf) -> None:
    problems = []
    for address in share_of(PAGES):
        layout_page.goto(address)
        problems += find_layout_problems(layout_page)
    assert not problems, "\n".join(problems)


@pytest.mark.drill
def test_action_pages_fit_and_read_well(layout_page: Page) -> None:
    layout_page.goto("/organisations/alder/")
    layout_page.locator(".key-card-label a").click()
    layout_page.wait_for_url("**/keys/*/")
    problems = find_layout_problems(layout_page)
    layout_page.get_by_role("link", name="Start a sync").first.click()
    layout_page.wait_for_url("**/sync/")
    problems += find_layout_problems(layout_page)
    layout_page.goto("/organisations/alder/connectors/")
    layout_page.get_by_role("link", name="Switch off").first.click()
    layout_page.wait_for_url("**/switch/?*")
    problems += find_layout_problems(layout_page)
    layout_page.goto("/syncs/new/?q=alder")
    layout_page.get_by_role("button", name="Go on").click()
    expect(layout_page.get_by_role("heading", name="Start 1 sync?")).to_be_visible()
    layout_page.wait_for_load_state()
    problems += find_layout_problems(layout_page)
    layout_page.get_by_role("button", name="Start 1 sync").click()
    layout_page.wait_for_url("**/syncs/*-*/")
    expect(layout_page.locator(".batch-line", has_text="1 of 1 sync has ended")).to_be_visible(
        timeout=20_000
    )
    assert problems + find_layout_problems(layout_page) == []


@pytest.mark.drill
def test_menus_read_well(layout_page: Page) -> None:
    """Each open menu is tested alone, as it covers what is below it; other tests keep it closed."""
    layout_page.set_viewport_size({"width": WIDE, "height": HEIGHT})
    for address in ("/organisations/alder/", "/?state=needs_you"):
        layout_page.goto(address)
        menus = layout_page.locator("details[data-menu]")
        assert menus.count() > 1
        for menu in menus.all():
            menu.locator("summary").click()
            expect(menu.locator(".menu-panel")).to_be_visible()
            axe_result = Axe().run(
                layout_page, context="details[data-menu][open]", options=AXE_OPTIONS
            )
            assert axe_result.violations_count == 0, axe_result.generate_report()
            layout_page.keyboard.press("Escape")
            menu.evaluate("one => { one.open = false }")


@pytest.mark.drill
def test_keyboard_focus_is_visible(layout_page: Page) -> None:
    layout_page.set_viewport_size({"width": WIDE, "height": HEIGHT})
    layout_page.goto("/")
    layout_page.keyboard.press("Tab")
    skip = layout_page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    # Off the screen in the layout tests, so its colours are tested here.
    assert Axe().run(layout_page, context=".skip-link").violations_count == 0
    assert skip.evaluate(
        "(at) => getComputedStyle(at).color !== getComputedStyle(at).backgroundColor"
    )
    for _ in range(25):
        layout_page.keyboard.press("Tab")
        assert (
            layout_page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        )
    skip.focus()
    layout_page.keyboard.press("Enter")
    assert layout_page.evaluate("document.activeElement.id") == "content"


def _ask_without_version(route: Route) -> None:
    headers = {name: text for name, text in route.request.headers.items() if name != "x-version"}
    route.continue_(headers=headers)


@pytest.mark.parametrize("selector", ["#live", "article[data-part]"])
def test_opened_details_stay_open_through_a_live_update(selector: str, checked_page: Page) -> None:
    checked_page.goto("/organisations/alder/")
    checked_page.get_by_text("How we decide").click()
    expect(checked_page.get_by_text("This line fits now.")).to_be_visible()
    details = checked_page.locator(selector)
    details.evaluate("(at) => { at.dataset.digest = 'old' }")
    # With the page's version the answer would be that nothing changed.
    checked_page.route(re.compile("/organisations/alder/"), _ask_without_version)
    with checked_page.expect_response(lambda answer: "organisations/alder" in answer.url):
        checked_page.evaluate("htmx.trigger(document.getElementById('live'), 'live')")
    expect(details).not_to_have_attribute("data-digest", "old")
    expect(checked_page.locator("article[data-part]")).to_have_count(1)
    expect(checked_page.get_by_text("This line fits now.")).to_be_visible()


def test_details_for_support_are_copied(checked_page: Page) -> None:
    checked_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    checked_page.goto("/organisations/damson/")
    checked_page.get_by_text("Copy details for support").click()
    checked_page.get_by_role("button", name="Copy").click()
    expect(checked_page.get_by_role("button", name="Copied")).to_be_visible()
    copied_text = checked_page.evaluate("navigator.clipboard.readText()")
    assert "Failure: server_error" in copied_text
    assert "oak_live" not in copied_text


def test_tab_title_carries_how_many_keys_need_somebody(checked_page: Page) -> None:
    checked_page.goto("/")
    expect(checked_page).to_have_title("(2) Overview · Freddy Admin")
    icon = checked_page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))


def test_everything_but_live_updates_works_without_javascript(
    chromium: Browser, panel: PanelProcess, checked_page: Page
) -> None:
    context = chromium.new_context(base_url=panel.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Search").fill("birch")
    page.get_by_role("button", name="Show").click()
    page.locator("td.c-name a").click()
    expect(page.locator(".key-card-head .state").first).to_have_text("Overdue")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator(".notice, .flash").first).to_be_visible()
    page.locator("summary", has_text="Ada").or_(page.locator(".menu-button")).first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    context.close()


# --- A first visit: requests, bytes on the wire, and what the paint waits for ---
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
