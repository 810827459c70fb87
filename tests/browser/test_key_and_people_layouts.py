"""Layouts of forms and their results: keys, people, imports, invitations, error pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template import loader
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from tests.browser.conftest import PATIENCE_MS, ShareOf, sign_in
from tests.browser.layout_checks import HEIGHT, NARROW, find_layout_problems
from tests.flows.panel_process import PanelProcess
from tests.flows.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.drill, pytest.mark.xdist_group("browser")]
HEADER = "organisation,label,api_key,organization_id,tags"
PLACE = "/organisations/elder/"
KEYS = tuple(f"{PLACE}keys/1/{page}" for page in ("", "replace/", "edit/", "revoke/"))
PEOPLE = (
    f"{PLACE}members/2/",
    f"{PLACE}members/2/remove/",
    f"{PLACE}members/3/",
    "/people/",
    "/people/2/",
    "/people/2/remove/",
    "/people/?q=nobody-of-this-name",
    "/audit/?who=nobody-of-this-name",
)
# Rendered in the test, as no URL of a working panel shows them.
BROKEN = ("400", "413", "500", "503")
ON_PURPOSE = re.compile(r"status of 4\d\d")


@pytest.fixture(scope="module")
def panel(panel: PanelProcess) -> PanelProcess:
    """A panel with one organisation, a key, an operator and a manager."""
    file = panel.folder / "keys.csv"
    file.write_text(f"{HEADER}\nElder,Main,{sandbox_key(Scenario.HEALTHY, 'Elder')},,")
    assert panel.manage("import_keys", str(file)).returncode == 0
    for name in ("operator", "manager"):
        added = panel.manage(
            *("add_member", f"{name}@example.org", "--organisation", "elder", "--role", name)
        )
        assert added.returncode == 0, added.stderr
    return panel


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def one_page(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page signed in once for all tests of this colour scheme, and its console problems."""
    console_problems: list[str] = []
    return sign_in(context, console_problems), console_problems


@pytest.fixture
def admin(one_page: tuple[Page, list[str]]) -> Iterator[Page]:
    page, console_problems = one_page
    console_problems.clear()
    yield page
    assert [message for message in console_problems if not ON_PURPOSE.search(message)] == []


def press_button(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def test_pages_of_keys_and_people_fit_read_well_and_have_titles_of_their_own(
    admin: Page, share_of: ShareOf
) -> None:
    problems, titles = [], []
    examined_paths = share_of(KEYS + PEOPLE)
    for address in KEYS + PEOPLE:
        admin.goto(address)
        titles.append(admin.title())
        if address in examined_paths:
            problems += find_layout_problems(admin)
    assert problems == []
    assert all("Elder" in title for title in titles[: len(KEYS)])
    assert len(set(titles[: len(KEYS) + 2])) == len(KEYS) + 2


def test_a_refused_form_says_so_first_and_leads_to_the_field(admin: Page) -> None:
    admin.goto(f"{PLACE}keys/1/revoke/")
    admin.get_by_label("Type the key's label to confirm").fill("something else")
    press_button(admin, "Revoke and wipe")
    summary = admin.locator("[data-summary]")
    expect(summary).to_be_focused()
    expect(admin).to_have_title(re.compile("^Not saved: "))
    problems = find_layout_problems(admin)
    summary.get_by_role("link").click()
    field = admin.get_by_label("Type the key's label to confirm")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("This is not the key's label"))
    expect(field).to_have_value("something else")
    assert problems == []


def test_a_key_of_another_organisation_is_compared(admin: Page) -> None:
    admin.goto(f"{PLACE}keys/1/replace/")
    admin.get_by_label("API key").fill(sandbox_key(Scenario.OVERDUE, "Another"))
    press_button(admin, "Save and test")
    notice = admin.get_by_text("The new key reports something else")
    expect(notice.first).to_be_visible(timeout=PATIENCE_MS)
    problems = find_layout_problems(admin)
    press_button(admin, "Throw it away")
    assert problems == []


def test_many_keys_are_pasted_tested_and_discarded(admin: Page) -> None:
    kinds = (Scenario.HEALTHY, Scenario.REJECTED)
    rows = [f"Elder,{kind},{sandbox_key(kind, 'pasted')},," for kind in kinds]
    admin.goto("/import/")
    admin.get_by_label("Rows").fill("nonsense")
    press_button(admin, "Try them out")
    problems = find_layout_problems(admin)
    admin.get_by_label("Rows").fill("\n".join([HEADER, *rows]))
    press_button(admin, "Try them out")
    expect(admin.locator(".import-actions .btn-primary")).to_be_visible(timeout=PATIENCE_MS)
    expect(admin.locator("#import-state progress")).to_have_attribute("value", "2")
    problems += find_layout_problems(admin)
    press_button(admin, "Throw everything away")
    assert problems + find_layout_problems(admin) == []


def test_a_panel_token_is_shown_once(admin: Page) -> None:
    admin.goto("/profile/tokens/new/")
    admin.get_by_role("combobox", name="Organisations").select_option("some")
    admin.get_by_label("Name").fill("board")
    press_button(admin, "Make the token")
    problems = find_layout_problems(admin)
    admin.get_by_label("Elder").check()
    press_button(admin, "Make the token")
    problems += find_layout_problems(admin)
    admin.goto("/profile/tokens/")
    problems += find_layout_problems(admin)
    press_button(admin, "Revoke board")
    assert problems == []


def test_an_invitation_from_the_form_to_the_members_page(
    admin: Page, colour_scheme_browser: Browser, panel: PanelProcess, colour_scheme: str
) -> None:
    email = f"nia-{colour_scheme}@example.org"
    admin.goto(f"{PLACE}members/invite/")
    admin.get_by_label("E-mail address").fill(email)
    admin.get_by_label("Manager").check()
    press_button(admin, "Invite")
    problems = find_layout_problems(admin)
    links: list[str] = []

    def has_invitation_mail() -> bool:
        for mail in Path(panel.folder, "mails").glob("*"):
            text = mail.read_text().replace("=\n", "").replace("=3D", "=")
            if email in text:
                links.extend(re.findall(r"http://\S+/invitations/\S+", text))
        return bool(links)

    assert wait_until(has_invitation_mail)
    admin.get_by_role("link", name=f"Change {email}").click()
    admin.wait_for_url("**/invitations/*/")
    problems += find_layout_problems(admin)
    # The invitation of somebody else.
    admin.goto(links[0])
    problems += find_layout_problems(admin)
    other_context = colour_scheme_browser.new_context(
        base_url=panel.address, color_scheme=colour_scheme
    )  # type: ignore[arg-type]
    page = other_context.new_page()
    page.goto(links[0])
    problems += find_layout_problems(page)
    page.get_by_label("Your name").fill("Nia")
    page.get_by_label("Choose a password").fill("12345678")
    press_button(page, "Make my account and join")
    expect(page.locator("[data-summary]")).to_be_focused()
    problems += find_layout_problems(page)
    page.get_by_label("Choose a password").fill("a-quiet-lighthouse-7")
    press_button(page, "Make my account and join")
    problems += find_layout_problems(page)
    page.goto(f"{PLACE}leave/")
    problems += find_layout_problems(page)
    page.goto("/people/")  # not for a manager
    expect(page.locator(".error-page-code")).to_have_text("403")
    assert problems + find_layout_problems(page) == []
    other_context.close()


def test_chosen_option_shows_with_forced_colours(admin: Page) -> None:
    admin.emulate_media(forced_colors="active")
    admin.goto(f"{PLACE}members/2/")
    chosen_role = admin.locator("[name=role]:checked")
    expect(chosen_role).to_have_css("appearance", "auto")
    admin.goto(f"{PLACE}members/")
    edges = admin.locator(".tab").evaluate_all(
        "all => all.map(one => getComputedStyle(one).borderBottomColor)"
    )
    open_tab = admin.locator(".tab").evaluate_all(
        "all => all.findIndex(one => one.textContent.trim().startsWith('Members'))"
    )
    assert len(edges) == 5
    assert edges.count(edges[open_tab]) == 1
    admin.emulate_media(forced_colors="none")


def test_error_pages_fit_read_well_and_lead_on(admin: Page) -> None:
    problems = []
    for address, status in (("/nowhere/", "404"), (f"{PLACE}keys/1/pause/", "405")):
        admin.goto(address)
        expect(admin.locator(".error-page-code")).to_have_text(status)
        expect(admin.get_by_role("link", name="Go to the overview")).to_be_visible()
        problems += find_layout_problems(admin)
    last_text = ""

    def fulfill_route(route: Route) -> None:
        route.fulfill(body=last_text, content_type="text/html")

    admin.route("**/made-up/", fulfill_route)
    for status in BROKEN:
        last_text = loader.render_to_string(f"errors/{status}.html")
        admin.goto("/made-up/")
        expect(admin.locator(".error-page-code")).to_have_text(status)
        problems += find_layout_problems(admin)
    admin.unroute("**/made-up/")
    assert problems == []
