"""A passkey in a real browser: made on the profile, signed in with, refused where it is unknown."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import sign_in
from tests.flows.panel_process import PanelProcess

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# A device that holds passkeys, and whose user agrees to everything.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PATIENCE_MS = 120_000


@pytest.fixture
def context(chromium: Browser, panel: PanelProcess) -> Iterator[BrowserContext]:
    # Passkeys belong to a name: an IP address has none.
    context = chromium.new_context(base_url=f"http://localhost:{panel.port}")
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

    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.locator("strong", has_text="This laptop")).to_have_count(0)
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey is not known here")).to_be_visible(timeout=PATIENCE_MS)
    page.goto("/profile/")
    assert "/accounts/login/" in page.url
    assert console_problems == []
