"""Every page in a real browser: no violation of the policy, nothing cut off, nothing unreadable."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from freddy_admin.sandbox.scenarios import Scenario
from tests.browser.conftest import LONG_NAME, signed_in
from tests.browser.looks import HEIGHT, NARROW, RULES, WIDE, wrong_with
from tests.flows.panel import EMAIL, PASSWORD, Panel
from tests.flows.waiting import until

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
    "/audit/",
    "/system/",
    "/profile/",
    "/profile/tokens/",
    "/profile/tokens/new/",
    "/accounts/password/change/",
    "/accounts/2fa/",
)


@pytest.fixture
def settled(panel: Panel, samples: dict[str, Scenario], page: Page) -> Page:
    """All samples were checked once."""

    def checked() -> bool:
        page.goto("/")
        return page.get_by_text("Not checked yet").count() == 0

    assert until(checked)
    return page


@pytest.fixture
def looks(
    looking: Browser, panel: Panel, settled: Page, look: str, complaints: list[str]
) -> Iterator[Page]:
    context = looking.new_context(
        base_url=panel.address,
        color_scheme="dark" if look == "dark" else "light",
        viewport={"width": NARROW, "height": HEIGHT},
        reduced_motion="reduce",
    )
    yield signed_in(context, complaints)
    context.close()


@pytest.mark.drill
def test_pages_fit_a_phone_and_read_well(looks: Page) -> None:
    wrong = []
    for address in PAGES:
        looks.goto(address)
        wrong += wrong_with(looks)
    assert not wrong, "\n".join(wrong)


@pytest.mark.drill
def test_what_leads_to_a_deed_fits_and_reads_well(looks: Page) -> None:
    looks.goto("/organisations/alder/")
    looks.locator(".panel-label a").click()
    looks.wait_for_url("**/keys/*/")
    wrong = wrong_with(looks)
    looks.get_by_role("link", name="Start a sync").first.click()
    looks.wait_for_url("**/sync/")
    wrong += wrong_with(looks)
    looks.goto("/organisations/alder/connectors/")
    looks.get_by_role("link", name="Switch off").first.click()
    looks.wait_for_url("**/switch/?*")
    wrong += wrong_with(looks)
    looks.goto("/syncs/new/?q=alder")
    looks.get_by_role("button", name="Go on").click()
    expect(looks.get_by_role("heading", name="Start 1 sync?")).to_be_visible()
    looks.wait_for_load_state()
    wrong += wrong_with(looks)
    looks.get_by_role("button", name="Start 1 sync").click()
    looks.wait_for_url("**/syncs/*-*/")
    expect(looks.locator(".batch-line", has_text="1 of 1 sync has ended")).to_be_visible(
        timeout=20_000
    )
    assert wrong + wrong_with(looks) == []


def test_menus_read_well(looks: Page) -> None:
    """Each alone, for an open one lies on what is below it; the looks have them closed."""
    looks.set_viewport_size({"width": WIDE, "height": HEIGHT})
    for address in ("/organisations/alder/", "/?state=needs_you"):
        looks.goto(address)
        menus = looks.locator("details[data-menu]")
        assert menus.count() > 1
        for menu in menus.all():
            menu.locator("summary").click()
            expect(menu.locator(".menu-panel")).to_be_visible()
            found = Axe().run(looks, context="details[data-menu][open]", options=RULES)
            assert found.violations_count == 0, found.generate_report()
            looks.keyboard.press("Escape")
            menu.evaluate("one => { one.open = false }")


def test_the_keyboard_sees_where_it_is(looks: Page) -> None:
    looks.set_viewport_size({"width": WIDE, "height": HEIGHT})
    looks.goto("/")
    looks.keyboard.press("Tab")
    skip = looks.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    # Off the screen when the page is examined, so its colours are looked at here.
    assert Axe().run(looks, context=".skip-link").violations_count == 0
    assert skip.evaluate(
        "(at) => getComputedStyle(at).color !== getComputedStyle(at).backgroundColor"
    )
    for _ in range(25):
        looks.keyboard.press("Tab")
        assert looks.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    skip.focus()
    looks.keyboard.press("Enter")
    assert looks.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("part", ["#live", "article[data-part]"])
def test_what_a_person_opened_stays_open_through_an_update(part: str, settled: Page) -> None:
    settled.goto("/organisations/alder/")
    settled.get_by_text("How we decide").click()
    expect(settled.get_by_text("This line fits now.")).to_be_visible()
    shown = settled.locator(part)
    shown.evaluate("(at) => { at.dataset.mark = 'old' }")
    with settled.expect_response(lambda answer: "organisations/alder" in answer.url):
        settled.evaluate("htmx.trigger(document.getElementById('live'), 'live')")
    expect(shown).not_to_have_attribute("data-mark", "old")
    expect(settled.locator("article[data-part]")).to_have_count(1)
    expect(settled.get_by_text("This line fits now.")).to_be_visible()


def test_details_for_support_are_copied(settled: Page) -> None:
    settled.context.grant_permissions(["clipboard-read", "clipboard-write"])
    settled.goto("/organisations/damson/")
    settled.get_by_text("Copy details for support").click()
    settled.get_by_role("button", name="Copy").click()
    expect(settled.get_by_role("button", name="Copied")).to_be_visible()
    copied = settled.evaluate("navigator.clipboard.readText()")
    assert "Failure: server_error" in copied
    assert "oak_live" not in copied


def test_the_tab_carries_how_many_need_somebody(settled: Page) -> None:
    settled.goto("/")
    expect(settled).to_have_title("(2) Overview · Freddy Admin")
    icon = settled.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))


def test_everything_but_the_updates_works_without_javascript(
    chromium: Browser, panel: Panel, settled: Page
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
    expect(page.locator(".panel-head .state").first).to_have_text("Overdue")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator(".notice, .flash").first).to_be_visible()
    page.locator("summary", has_text="Ada").or_(page.locator(".menu-button")).first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    context.close()
