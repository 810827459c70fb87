"""Layouts of all pages of signing in and of people, in a real browser."""

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.accounts.conftest import current_totp_code
from tests.browser.conftest import ShareOf, sign_in
from tests.browser.layout_checks import HEIGHT, NARROW, find_layout_problems
from tests.flows.panel_process import EMAIL, PASSWORD, PanelProcess
from tests.flows.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.drill, pytest.mark.xdist_group("browser")]
RESET = "/accounts/password/reset/"
VISITOR_PATHS = (
    "/accounts/login/",
    RESET,
    f"{RESET}done/",
    f"{RESET}key/1-planted/",
    f"{RESET}key/done/",
    "/invitations/made-up/",
    "/first-visit/",
)
SIGNED_IN_PATHS = (
    "/profile/sessions/",
    "/accounts/logout/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/passkeys/",
    "/accounts/2fa/passkeys/add/",
    "/roles/",
    "/people/",
    "/people/1/",
    "/import/",
    "/audit/?tag=signed_in",
    "/organisations/alder/members/",
    "/organisations/alder/members/invite/",
)
SECOND_FACTOR_PATHS = (
    "/accounts/2fa/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/reauthenticate/",
)
# Browsers log every response with such a status; these are requested on purpose.
ON_PURPOSE = re.compile(r"status of (403|404)")


@pytest.fixture
def context(
    colour_scheme_browser: Browser, panel: PanelProcess, colour_scheme: str
) -> Iterator[BrowserContext]:
    context = colour_scheme_browser.new_context(
        base_url=panel.address,
        color_scheme="dark" if colour_scheme == "dark" else "light",
        viewport={"width": NARROW, "height": HEIGHT},
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture
def signed_in_page(context: BrowserContext, console_problems: list[str]) -> Iterator[Page]:
    yield sign_in(context, console_problems)
    assert [message for message in console_problems if not ON_PURPOSE.search(message)] == []


@pytest.fixture
def visitor_page(context: BrowserContext, console_problems: list[str]) -> Iterator[Page]:
    page = context.new_page()
    page.on(
        "console",
        lambda message: console_problems.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: console_problems.append(str(error)))
    yield page
    assert [message for message in console_problems if not ON_PURPOSE.search(message)] == []


def problems_of_pages(page: Page, addresses: Sequence[str]) -> list[str]:
    problems = []
    for address in addresses:
        page.goto(address)
        problems += find_layout_problems(page)
    return problems


def send(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def test_pages_for_visitors_fit_and_read_well(visitor_page: Page, share_of: ShareOf) -> None:
    assert problems_of_pages(visitor_page, share_of(VISITOR_PATHS)) == []


def test_pages_of_people_and_of_oneself_fit_and_read_well(
    signed_in_page: Page, panel: PanelProcess, share_of: ShareOf
) -> None:
    signed_in_page.goto("/add-organisation/")
    signed_in_page.get_by_label("Name").fill("Alder")
    send(signed_in_page, "Add organisation")
    assert problems_of_pages(signed_in_page, share_of(SIGNED_IN_PATHS)) == []


def test_a_refused_sign_in_fits_and_reads_well(visitor_page: Page) -> None:
    visitor_page.goto("/accounts/login/")
    visitor_page.locator("input[name=login]").fill("eve@example.org")
    visitor_page.locator("input[name=password]").fill("wrong")
    send(visitor_page, "Sign in")
    expect(visitor_page.get_by_text("not correct")).to_be_visible()
    assert find_layout_problems(visitor_page) == []


def test_setting_a_second_factor_up_fits_and_reads_well(
    signed_in_page: Page,
    colour_scheme_browser: Browser,
    panel: PanelProcess,
    share_of: ShareOf,
) -> None:
    signed_in_page.goto("/accounts/2fa/totp/activate/")
    problems = find_layout_problems(signed_in_page)
    secret = signed_in_page.locator("#authenticator_secret").input_value()
    # Waits for the next code, as the shown one is about to change.
    assert wait_until(lambda: time.time() % 30 < 15)
    signed_in_page.locator("input[name=code]").fill(current_totp_code(secret))
    send(signed_in_page, "Set it up")
    signed_in_page.wait_for_url("**/recovery-codes/")
    problems += problems_of_pages(signed_in_page, share_of(SECOND_FACTOR_PATHS))
    other_context = colour_scheme_browser.new_context(base_url=panel.address)
    page = other_context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    send(page, "Sign in")
    assert page.url.endswith("/accounts/2fa/authenticate/")
    problems += find_layout_problems(page)
    other_context.close()
    signed_in_page.goto("/accounts/2fa/totp/deactivate/")
    with signed_in_page.expect_navigation():
        signed_in_page.locator("main [type=submit]").last.click()
    assert problems == []


def test_password_reset_leads_from_the_mail_to_the_new_password(
    visitor_page: Page, panel: PanelProcess
) -> None:
    former = set(Path(panel.folder, "mails").glob("*"))
    visitor_page.goto(RESET)
    visitor_page.locator("input[name=email]").fill(EMAIL)
    with visitor_page.expect_navigation():
        visitor_page.locator("main [type=submit]").last.click()
    new: set[Path] = set()

    def has_new_mail() -> bool:
        new.update(set(Path(panel.folder, "mails").glob("*")) - former)
        return any("http" in mail.read_text() for mail in new)

    assert wait_until(has_new_mail)
    text = "".join(mail.read_text() for mail in new).replace("=\n", "").replace("=3D", "=")
    [link] = re.findall(r"http://\S+/reset/key/\S+", text)
    assert link.startswith(panel.address)
    visitor_page.goto(link)
    problems = find_layout_problems(visitor_page)
    visitor_page.locator("input[name=password1]").fill(PASSWORD)
    visitor_page.locator("input[name=password2]").fill(PASSWORD)
    send(visitor_page, "Save the new password")
    expect(visitor_page.get_by_text("Your password is changed").first).to_be_visible()
    assert problems + find_layout_problems(visitor_page) == []
