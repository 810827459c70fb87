"""Add an organisation and its key, see it up to date, check it now, replace the key."""

import pytest
from playwright.sync_api import Page, expect

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from tests.flows.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE_MS = 120_000


def _submit_key(page: Page, secret: str) -> None:
    page.get_by_label("API key").fill(secret)
    page.get_by_role("button", name="Save and test").click()


def _expect_working_key(page: Page) -> None:
    # Nothing reloads the page: live updates bring the result.
    notice = page.locator(".notice-title", has_text="The key works and is in use")
    expect(notice).to_be_visible(timeout=PATIENCE_MS)


def _press_check_now(page: Page) -> bool:
    """Press *Check now*; under ten seconds after a check its result is the answer."""
    page.get_by_role("button", name="Check now").click()
    page.wait_for_url("**/organisations/hazel/**")
    return "asked=" in page.url


def test_from_a_new_organisation_to_a_replaced_key(page: Page) -> None:
    page.get_by_role("link", name="organisation").first.click()
    page.get_by_label("Name").fill("Hazel")
    page.get_by_role("button", name="Add organisation").click()

    page.get_by_role("link", name="Add the first key").click()
    first_key = sandbox_key(Scenario.HEALTHY, "Hazel")
    _submit_key(page, first_key)
    _expect_working_key(page)
    assert first_key not in page.content()

    page.get_by_role("link", name="Hazel").first.click()
    expect(page.locator(".key-card-head .state")).to_have_text("Up to date")
    expect(page.locator(".key-card-headline")).to_contain_text("Next sync expected by")

    assert wait_until(lambda: _press_check_now(page))
    result_line = page.get_by_text("after you asked: Up to date.")
    expect(result_line).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Check now")).to_be_enabled()

    page.locator("summary", has_text="More about Main key").click()
    page.get_by_role("link", name="Replace key").click()
    _submit_key(page, sandbox_key(Scenario.HEALTHY, "Hazel/Second"))
    _expect_working_key(page)

    page.goto("/audit/")
    expect(page.get_by_text("replaced an API key").last).to_be_visible()
    page.goto("/")
    row = page.locator("tr", has_text="Hazel")
    expect(row.locator(".state")).to_have_text("Up to date")


def test_sync_is_started_and_shown_as_done(page: Page) -> None:
    page.goto("/add-organisation/")
    page.get_by_label("Name").fill("Larch")
    page.get_by_role("button", name="Add organisation").click()
    page.get_by_role("link", name="Add the first key").click()
    _submit_key(page, sandbox_key(Scenario.OVERDUE, "Larch"))
    _expect_working_key(page)
    page.goto("/organisations/larch/")
    expect(page.locator(".key-card-head .state")).to_have_text("Overdue")
    other_page = page.context.new_page()
    other_page.goto("/organisations/larch/")

    page.get_by_role("link", name="Start a sync").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    page.get_by_label("Everything, from the start").check()
    page.get_by_role("button", name="Start the sync").click()
    operation = page.locator(".sync-operation")
    expect(operation).to_contain_text("Requested")

    # Nothing reloads either page.
    for window in (page, other_page):
        title = window.locator(".sync-operation .notice-title")
        expect(title).to_have_text("Synced", timeout=PATIENCE_MS)
        expect(window.locator(".key-card-head .state")).to_have_text("Up to date")
    expect(operation).to_contain_text("as they were")
    expect(page.locator(".timeline")).to_contain_text("asked for a full sync")


def test_refused_key_says_why_and_can_be_discarded(page: Page) -> None:
    page.goto("/add-organisation/")
    page.get_by_label("Name").fill("Juniper")
    page.get_by_role("button", name="Add organisation").click()
    page.get_by_role("link", name="Add the first key").click()
    _submit_key(page, sandbox_key(Scenario.REJECTED, "Juniper"))
    heading = page.get_by_role("heading", name="The new key was refused")
    expect(heading).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_text("The new key was thrown away.")).to_be_visible()
    page.goto("/organisations/juniper/remove/")
    page.get_by_label("Type the organisation's name to confirm").fill("Juniper")
    page.get_by_role("button", name="Remove organisation").click()
    expect(page.get_by_text("Juniper was removed.")).to_be_visible()
