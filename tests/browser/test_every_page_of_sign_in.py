"""Every page of signing in and of people, in a real browser, held to the same as the others."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from freddy_admin.sandbox.server import SandboxServer
from tests.accounts.conftest import code_now
from tests.browser.conftest import signed_in
from tests.browser.looks import HEIGHT, NARROW, wrong_with
from tests.flows.panel import EMAIL, PASSWORD, Panel
from tests.flows.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
RESET = "/accounts/password/reset/"
OUTSIDE = (
    "/accounts/login/",
    RESET,
    f"{RESET}done/",
    f"{RESET}key/1-planted/",
    f"{RESET}key/done/",
    "/invitations/made-up/",
    "/first-visit/",
)
INSIDE = (
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
WITH_A_FACTOR = (
    "/accounts/2fa/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/reauthenticate/",
)
# A browser tells of every answer with such a status; these are asked for on purpose.
ON_PURPOSE = re.compile(r"status of (403|404)")


@pytest.fixture(scope="module")
def panel(
    chromium: Browser, sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Panel]:
    """Writes its mails into a folder."""
    panel = Panel(tmp_path_factory.mktemp("panel"), api=sandbox.base_url)
    panel.env |= {"EMAIL_URL": f"filemail:///{panel.room}/mails", "PANEL_URL": panel.address}
    panel.start()
    yield panel
    assert panel.stop() == 0


@pytest.fixture
def context(looking: Browser, panel: Panel, look: str) -> Iterator[BrowserContext]:
    context = looking.new_context(
        base_url=panel.address,
        color_scheme="dark" if look == "dark" else "light",
        viewport={"width": NARROW, "height": HEIGHT},
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture
def inside(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    yield signed_in(context, complaints)
    assert [one for one in complaints if not ON_PURPOSE.search(one)] == []


@pytest.fixture
def outside(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert [one for one in complaints if not ON_PURPOSE.search(one)] == []


def wrong_on(page: Page, addresses: tuple[str, ...]) -> list[str]:
    wrong = []
    for address in addresses:
        page.goto(address)
        wrong += wrong_with(page)
    return wrong


def send(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.drill
def test_pages_for_visitors_fit_and_read_well(outside: Page) -> None:
    assert wrong_on(outside, OUTSIDE) == []


@pytest.mark.drill
def test_pages_of_people_and_of_oneself_fit_and_read_well(inside: Page, panel: Panel) -> None:
    inside.goto("/add-organisation/")
    inside.get_by_label("Name").fill("Alder")
    send(inside, "Add organisation")
    assert wrong_on(inside, INSIDE) == []


def test_a_refused_sign_in_fits_and_reads_well(outside: Page) -> None:
    outside.goto("/accounts/login/")
    outside.locator("input[name=login]").fill("eve@example.org")
    outside.locator("input[name=password]").fill("wrong")
    send(outside, "Sign in")
    expect(outside.get_by_text("not correct")).to_be_visible()
    assert wrong_with(outside) == []


def test_setting_a_second_factor_up_fits_and_reads_well(
    inside: Page, looking: Browser, panel: Panel
) -> None:
    inside.goto("/accounts/2fa/totp/activate/")
    wrong = wrong_with(inside)
    secret = inside.locator("#authenticator_secret").input_value()
    # As a person does who sees that the code is about to change.
    assert until(lambda: time.time() % 30 < 15)
    inside.locator("input[name=code]").fill(code_now(secret))
    send(inside, "Set it up")
    inside.wait_for_url("**/recovery-codes/")
    wrong += wrong_on(inside, WITH_A_FACTOR)
    other = looking.new_context(base_url=panel.address)
    page = other.new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    send(page, "Sign in")
    assert page.url.endswith("/accounts/2fa/authenticate/")
    wrong += wrong_with(page)
    other.close()
    inside.goto("/accounts/2fa/totp/deactivate/")
    with inside.expect_navigation():
        inside.locator("main [type=submit]").last.click()
    assert wrong == []


def test_a_forgotten_password_from_the_mail_to_the_new_one(outside: Page, panel: Panel) -> None:
    former = set(Path(panel.room, "mails").glob("*"))
    outside.goto(RESET)
    outside.locator("input[name=email]").fill(EMAIL)
    with outside.expect_navigation():
        outside.locator("main [type=submit]").last.click()
    new: set[Path] = set()

    def mailed() -> bool:
        new.update(set(Path(panel.room, "mails").glob("*")) - former)
        return any("http" in mail.read_text() for mail in new)

    assert until(mailed)
    text = "".join(mail.read_text() for mail in new).replace("=\n", "").replace("=3D", "=")
    [link] = re.findall(r"http://\S+/reset/key/\S+", text)
    assert link.startswith(panel.address)
    outside.goto(link)
    wrong = wrong_with(outside)
    outside.locator("input[name=password1]").fill(PASSWORD)
    outside.locator("input[name=password2]").fill(PASSWORD)
    send(outside, "Save the new password")
    expect(outside.get_by_text("Your password is changed").first).to_be_visible()
    assert wrong + wrong_with(outside) == []
