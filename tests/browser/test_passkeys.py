"""Passkeys in a real browser: made, signed in with, refused where unknown; and reauthentication.

Reauthentication is in place, with the submitted form kept.
"""

from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PATIENCE_MS, sign_in
from tests.browser.layout_checks import NARROW, find_layout_problems
from tests.drill_scale import RUN_FULL_DRILLS
from tests.flows.panel_process import PASSWORD, PanelProcess

pytestmark = [pytest.mark.browser, pytest.mark.drill, pytest.mark.xdist_group("browser")]
PLACE = "/organisations/elder/"
# A device that holds passkeys, and whose user agrees to everything.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# Ages the authentication of all sessions by a quarter of an hour.
AGED = """
from importlib import import_module
from django.conf import settings
from django.contrib.sessions.models import Session
store = import_module(settings.SESSION_ENGINE).SessionStore()
for row in Session.objects.all():
    data = store.decode(row.session_data)
    for one in data.get("account_authentication_methods", []):
        one["at"] -= 16 * 60
    Session.objects.filter(pk=row.pk).update(session_data=store.encode(data))
"""


@pytest.fixture
def context(chromium: Browser, panel: PanelProcess) -> Iterator[BrowserContext]:
    # By its name, to which passkeys belong.
    context = chromium.new_context(
        base_url=f"http://localhost:{panel.port}",
        viewport={"width": NARROW, "height": 800},
        reduced_motion="reduce",
    )
    yield context
    context.close()


def device_plug_in(page: Page) -> None:
    """Plug a virtual passkey device into this page's browser."""
    chrome = page.context.new_cdp_session(page)
    chrome.send("WebAuthn.enable")
    chrome.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("form:has(input[name=csrfmiddlewaretoken]) [type=submit]").last.click()
    page.wait_for_url("**/accounts/login/")


def add_passkey(page: Page, name: str) -> None:
    page.goto("/profile/")
    page.locator("a", has_text="Second factor").click()
    page.wait_for_url("**/accounts/2fa/")
    page.goto("/accounts/2fa/passkeys/add/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the passkey").click()


def remove_passkey(page: Page) -> None:
    page.goto("/accounts/2fa/passkeys/")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.locator("strong", has_text="This laptop")).to_have_count(0)


def test_a_passkey_is_made_and_opens_the_panel_alone(
    context: BrowserContext, console_problems: list[str]
) -> None:
    page = sign_in(context, console_problems)
    device_plug_in(page)
    add_passkey(page, "This laptop")
    page.wait_for_url(lambda url: not url.endswith("/add/"), timeout=PATIENCE_MS)
    page.goto("/accounts/2fa/passkeys/")
    expect(page.locator("strong", has_text="This laptop")).to_be_visible()
    expect(page.get_by_text("Opens the panel alone.")).to_be_visible()

    sign_out(page)
    assert page.goto("/profile/").url.endswith("/accounts/login/?next=/profile/")  # type: ignore[union-attr]
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/login/" not in url, timeout=PATIENCE_MS)
    assert page.url.endswith("/profile/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto("/accounts/2fa/passkeys/")
    expect(page.get_by_text("Last used on")).to_be_visible()

    remove_passkey(page)
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey is not known here")).to_be_visible(timeout=PATIENCE_MS)
    page.goto("/profile/")
    assert "/accounts/login/" in page.url
    assert console_problems == []


@pytest.fixture
def expire_reauthentication(panel: PanelProcess) -> Callable[[], None]:
    def age_authentication() -> None:
        result = panel.manage("shell", "-c", AGED)
        assert result.returncode == 0, result.stderr

    return age_authentication


def press_button(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def test_person_reauthenticates_with_each_method_and_keeps_the_submitted_form(
    context: BrowserContext,
    console_problems: list[str],
    expire_reauthentication: Callable[[], None],
) -> None:
    page = sign_in(context, console_problems)
    device_plug_in(page)
    problems: list[str] = []
    page.goto("/add-organisation/")
    page.get_by_label("Name").fill("Elder")
    press_button(page, "Add organisation")
    page.goto(f"{PLACE}keys/add/")
    page.get_by_label("Label").fill("Northern sales")
    page.locator("input[name=api_key]").fill("oak_live_typed_by_a_person")
    expire_reauthentication()
    press_button(page, "Save and test")
    problems += problems_in_colour_schemes(page)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Incorrect password")).to_be_visible()
    problems += problems_in_colour_schemes(page)
    page.get_by_label("Password").fill(PASSWORD)
    press_button(page, "Confirm")
    expect(page.get_by_label("Label")).to_have_value("Northern sales")
    expect(page.locator("input[name=api_key]")).to_have_value("")
    problems += problems_in_colour_schemes(page)

    add_passkey(page, "This laptop")
    page.wait_for_url(lambda url: not url.endswith("/add/"))
    expire_reauthentication()
    page.goto(f"{PLACE}rename/")
    press_button(page, "Use a passkey")
    problems += problems_in_colour_schemes(page)
    press_button(page, "Use a passkey")
    page.get_by_label("Name").fill("Elder & Sons")
    expire_reauthentication()
    press_button(page, "Rename")
    press_button(page, "Use a code of your app, or a recovery code")
    problems += problems_in_colour_schemes(page)
    press_button(page, "Use a passkey")
    press_button(page, "Use a passkey")
    expect(page.get_by_role("heading", name="Elder & Sons")).to_be_visible()

    expire_reauthentication()
    page.goto(f"{PLACE}export/")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_download() as copy:
        page.get_by_role("button", name="Confirm", exact=True).click()
    assert copy.value.suggested_filename.endswith(".zip")
    expect(page.get_by_role("heading", name="Your copy is on its way")).to_be_visible()
    problems += problems_in_colour_schemes(page)
    remove_passkey(page)
    assert problems == []
    assert console_problems == []


def problems_in_colour_schemes(page: Page) -> list[str]:
    """What does not fit; outside of `make drills` in one of the schemes, by turns of the pages."""
    schemes: tuple[str, ...] = ("dark", "light")
    if not RUN_FULL_DRILLS:
        turn = crc32(page.title().encode()) % len(schemes)
        schemes = schemes[turn : turn + 1]
    problems = []
    for colour_scheme in schemes:
        page.emulate_media(color_scheme="dark" if colour_scheme == "dark" else "light")
        problems += [f"{colour_scheme}: {problem}" for problem in find_layout_problems(page)]
    return problems
