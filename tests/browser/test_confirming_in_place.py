"""The question whether it is still them, in a real browser: where they are, and what they typed."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import signed_in
from tests.browser.looks import NARROW, wrong_with
from tests.browser.test_passkeys import add, device_plug_in
from tests.flows.panel import PASSWORD, Panel

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PLACE = "/organisations/elder/"
# All sessions of the panel, as if a quarter of an hour had passed.
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
def context(chromium: Browser, panel: Panel) -> Iterator[BrowserContext]:
    # By its name, to which passkeys belong.
    context = chromium.new_context(
        base_url=f"http://localhost:{panel.port}",
        viewport={"width": NARROW, "height": 800},
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture
def time_passes(panel: Panel) -> Callable[[], None]:
    def pass_by() -> None:
        ended = panel.manage("shell", "-c", AGED)
        assert ended.returncode == 0, ended.stderr

    return pass_by


def press(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def test_a_person_confirms_in_each_way_and_finds_what_they_typed(
    context: BrowserContext, complaints: list[str], time_passes: Callable[[], None]
) -> None:
    page = signed_in(context, complaints)
    device_plug_in(page)
    wrong: list[str] = []
    page.goto("/add-organisation/")
    page.get_by_label("Name").fill("Elder")
    press(page, "Add organisation")
    page.goto(f"{PLACE}keys/add/")
    page.get_by_label("Label").fill("Northern sales")
    page.locator("input[name=api_key]").fill("oak_live_typed_by_a_person")
    time_passes()
    press(page, "Save and test")
    wrong += in_both_looks(page)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Incorrect password")).to_be_visible()
    wrong += in_both_looks(page)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Confirm")
    expect(page.get_by_label("Label")).to_have_value("Northern sales")
    expect(page.locator("input[name=api_key]")).to_have_value("")
    wrong += in_both_looks(page)

    add(page, "This laptop")
    page.wait_for_url(lambda url: not url.endswith("/add/"))
    time_passes()
    page.goto(f"{PLACE}rename/")
    press(page, "Use a passkey")
    wrong += in_both_looks(page)
    press(page, "Use a passkey")
    page.get_by_label("Name").fill("Elder & Sons")
    time_passes()
    press(page, "Rename")
    press(page, "Use a code of your app, or a recovery code")
    wrong += in_both_looks(page)
    press(page, "Use a passkey")
    press(page, "Use a passkey")
    expect(page.get_by_role("heading", name="Elder & Sons")).to_be_visible()

    time_passes()
    page.goto(f"{PLACE}export/")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_download() as copy:
        page.get_by_role("button", name="Confirm", exact=True).click()
    assert copy.value.suggested_filename.endswith(".zip")
    expect(page.get_by_role("heading", name="Your copy is on its way")).to_be_visible()
    wrong += in_both_looks(page)
    assert wrong == []
    assert complaints == []


def in_both_looks(page: Page) -> list[str]:
    found = []
    for look in ("dark", "light"):
        page.emulate_media(color_scheme="dark" if look == "dark" else "light")
        found += [f"{look}: {one}" for one in wrong_with(page)]
    return found
