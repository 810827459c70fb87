"""Add an organisation and its key, see it up to date, check it now, replace the key."""

import pytest
from playwright.sync_api import Page, expect

from freddy_admin.sandbox.scenarios import Scenario, key_for
from tests.flows.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE_MS = 120_000


def _paste(page: Page, secret: str) -> None:
    page.get_by_label("API key").fill(secret)
    page.get_by_role("button", name="Save and test").click()


def _works(page: Page) -> None:
    # Nobody reloads: the page itself finds out.
    works = page.locator(".notice-title", has_text="The key works and is in use")
    expect(works).to_be_visible(timeout=PATIENCE_MS)


def _press(page: Page) -> bool:
    """Press *Check now*; under ten seconds after a check its result is the answer."""
    page.get_by_role("button", name="Check now").click()
    page.wait_for_url("**/organisations/hazel/**")
    return "asked=" in page.url


def test_from_a_new_organisation_to_a_replaced_key(page: Page) -> None:
    page.get_by_role("link", name="organisation").first.click()
    page.get_by_label("Name").fill("Hazel")
    page.get_by_role("button", name="Add organisation").click()

    page.get_by_role("link", name="Add the first key").click()
    first = key_for(Scenario.HEALTHY, "Hazel")
    _paste(page, first)
    _works(page)
    assert first not in page.content()

    page.get_by_role("link", name="Hazel").first.click()
    expect(page.locator(".panel-head .state")).to_have_text("Up to date")
    expect(page.locator(".panel-headline")).to_contain_text("Next sync expected by")

    assert until(lambda: _press(page))
    evidence = page.get_by_text("after you asked: Up to date.")
    expect(evidence).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Check now")).to_be_enabled()

    page.locator("summary", has_text="More about Main key").click()
    page.get_by_role("link", name="Replace key").click()
    _paste(page, key_for(Scenario.HEALTHY, "Hazel/Second"))
    _works(page)

    page.goto("/audit/")
    expect(page.get_by_text("replaced an API key").last).to_be_visible()
    page.goto("/")
    row = page.locator("tr", has_text="Hazel")
    expect(row.locator(".state")).to_have_text("Up to date")


def test_a_sync_is_started_and_seen_to_have_come(page: Page) -> None:
    page.goto("/add-organisation/")
    page.get_by_label("Name").fill("Larch")
    page.get_by_role("button", name="Add organisation").click()
    page.get_by_role("link", name="Add the first key").click()
    _paste(page, key_for(Scenario.OVERDUE, "Larch"))
    _works(page)
    page.goto("/organisations/larch/")
    expect(page.locator(".panel-head .state")).to_have_text("Overdue")
    onlooker = page.context.new_page()
    onlooker.goto("/organisations/larch/")

    page.get_by_role("link", name="Start a sync").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    page.get_by_label("Everything, from the start").check()
    page.get_by_role("button", name="Start the sync").click()
    asked = page.locator(".sync-order")
    expect(asked).to_contain_text("Requested")

    # Nobody reloads, neither here nor in the other window.
    for window in (page, onlooker):
        title = window.locator(".sync-order .notice-title")
        expect(title).to_have_text("Synced", timeout=PATIENCE_MS)
        expect(window.locator(".panel-head .state")).to_have_text("Up to date")
    expect(asked).to_contain_text("as they were")
    expect(page.locator(".timeline")).to_contain_text("asked for a full sync")


def test_a_key_that_is_refused_says_why_and_can_be_thrown_away(page: Page) -> None:
    page.goto("/add-organisation/")
    page.get_by_label("Name").fill("Juniper")
    page.get_by_role("button", name="Add organisation").click()
    page.get_by_role("link", name="Add the first key").click()
    _paste(page, key_for(Scenario.REJECTED, "Juniper"))
    refused = page.get_by_role("heading", name="The new key was refused")
    expect(refused).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_text("The new key was thrown away.")).to_be_visible()
    page.goto("/organisations/juniper/remove/")
    page.get_by_label("Type the organisation's name to confirm").fill("Juniper")
    page.get_by_role("button", name="Remove organisation").click()
    expect(page.get_by_text("Juniper was removed.")).to_be_visible()
