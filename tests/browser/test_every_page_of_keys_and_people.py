"""Pages that lead to a deed, or come of one: keys, people, imports, invitations, refusals."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template import loader
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.browser.conftest import signed_in
from tests.browser.looks import HEIGHT, NARROW, wrong_with
from tests.flows.panel import Panel
from tests.flows.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE_MS = 20_000
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
# Made up in the test, for no address of a panel in order shows them.
BROKEN = ("400", "413", "500", "503")
ON_PURPOSE = re.compile(r"status of 4\d\d")


@pytest.fixture(scope="module")
def panel(
    chromium: Browser, sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Panel]:
    """Writes its mails into a folder; an organisation with a key, an operator and a manager."""
    panel = Panel(tmp_path_factory.mktemp("panel"), api=sandbox.base_url)
    panel.env |= {"EMAIL_URL": f"filemail:///{panel.room}/mails", "PANEL_URL": panel.address}
    panel.start()
    file = panel.room / "keys.csv"
    file.write_text(f"{HEADER}\nElder,Main,{key_for(Scenario.HEALTHY, 'Elder')},,")
    assert panel.manage("import_keys", str(file)).returncode == 0
    for name in ("operator", "manager"):
        added = panel.manage(
            *("add_member", f"{name}@example.org", "--organisation", "elder", "--role", name)
        )
        assert added.returncode == 0, added.stderr
    yield panel
    assert panel.stop() == 0


@pytest.fixture(scope="module")
def context(looking: Browser, panel: Panel, look: str) -> Iterator[BrowserContext]:
    context = looking.new_context(
        base_url=panel.address,
        color_scheme="dark" if look == "dark" else "light",
        viewport={"width": NARROW, "height": HEIGHT},
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture(scope="module")
def one_page(context: BrowserContext) -> tuple[Page, list[str]]:
    """Signed in once for all tests of this look."""
    complaints: list[str] = []
    return signed_in(context, complaints), complaints


@pytest.fixture
def admin(one_page: tuple[Page, list[str]]) -> Iterator[Page]:
    page, complaints = one_page
    complaints.clear()
    yield page
    assert [one for one in complaints if not ON_PURPOSE.search(one)] == []


def press(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.drill
def test_pages_of_keys_and_people_fit_read_well_and_have_titles_of_their_own(admin: Page) -> None:
    wrong, titles = [], []
    for address in KEYS + PEOPLE:
        admin.goto(address)
        titles.append(admin.title())
        wrong += wrong_with(admin)
    assert wrong == []
    assert all("Elder" in title for title in titles[: len(KEYS)])
    assert len(set(titles[: len(KEYS) + 2])) == len(KEYS) + 2


def test_a_refused_form_says_so_first_and_leads_to_the_field(admin: Page) -> None:
    admin.goto(f"{PLACE}keys/1/revoke/")
    admin.get_by_label("Type the key's label to confirm").fill("something else")
    press(admin, "Revoke and wipe")
    summary = admin.locator("[data-summary]")
    expect(summary).to_be_focused()
    expect(admin).to_have_title(re.compile("^Not saved: "))
    wrong = wrong_with(admin)
    summary.get_by_role("link").click()
    field = admin.get_by_label("Type the key's label to confirm")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("This is not the key's label"))
    expect(field).to_have_value("something else")
    assert wrong == []


def test_a_key_of_another_organisation_is_compared(admin: Page) -> None:
    admin.goto(f"{PLACE}keys/1/replace/")
    admin.get_by_label("API key").fill(key_for(Scenario.OVERDUE, "Another"))
    press(admin, "Save and test")
    told = admin.get_by_text("The new key reports something else")
    expect(told.first).to_be_visible(timeout=PATIENCE_MS)
    wrong = wrong_with(admin)
    press(admin, "Throw it away")
    assert wrong == []


def test_many_keys_are_pasted_tried_and_thrown_away(admin: Page) -> None:
    kinds = (Scenario.HEALTHY, Scenario.REJECTED)
    rows = [f"Elder,{kind},{key_for(kind, 'pasted')},," for kind in kinds]
    admin.goto("/import/")
    admin.get_by_label("Rows").fill("nonsense")
    press(admin, "Try them out")
    wrong = wrong_with(admin)
    admin.get_by_label("Rows").fill("\n".join([HEADER, *rows]))
    press(admin, "Try them out")
    expect(admin.locator(".import-decide .btn-primary")).to_be_visible(timeout=PATIENCE_MS)
    expect(admin.locator("#import-state progress")).to_have_attribute("value", "2")
    wrong += wrong_with(admin)
    press(admin, "Throw everything away")
    assert wrong + wrong_with(admin) == []


def test_a_panel_token_is_shown_once(admin: Page) -> None:
    admin.goto("/profile/tokens/new/")
    admin.get_by_role("combobox", name="Organisations").select_option("some")
    admin.get_by_label("Name").fill("board")
    press(admin, "Make the token")
    wrong = wrong_with(admin)
    admin.get_by_label("Elder").check()
    press(admin, "Make the token")
    wrong += wrong_with(admin)
    admin.goto("/profile/tokens/")
    wrong += wrong_with(admin)
    press(admin, "Revoke board")
    assert wrong == []


def test_an_invitation_from_the_form_to_the_members_page(
    admin: Page, looking: Browser, panel: Panel, look: str
) -> None:
    email = f"nia-{look}@example.org"
    admin.goto(f"{PLACE}members/invite/")
    admin.get_by_label("E-mail address").fill(email)
    admin.get_by_label("Manager").check()
    press(admin, "Invite")
    wrong = wrong_with(admin)
    found: list[str] = []

    def mailed() -> bool:
        for mail in Path(panel.room, "mails").glob("*"):
            text = mail.read_text().replace("=\n", "").replace("=3D", "=")
            if email in text:
                found.extend(re.findall(r"http://\S+/invitations/\S+", text))
        return bool(found)

    assert until(mailed)
    admin.get_by_role("link", name=f"Change {email}").click()
    admin.wait_for_url("**/invitations/*/")
    wrong += wrong_with(admin)
    # Of somebody else, who is signed in.
    admin.goto(found[0])
    wrong += wrong_with(admin)
    other = looking.new_context(base_url=panel.address, color_scheme=look)  # type: ignore[arg-type]
    page = other.new_page()
    page.goto(found[0])
    wrong += wrong_with(page)
    page.get_by_label("Your name").fill("Nia")
    page.get_by_label("Choose a password").fill("12345678")
    press(page, "Make my account and join")
    expect(page.locator("[data-summary]")).to_be_focused()
    wrong += wrong_with(page)
    page.get_by_label("Choose a password").fill("a-quiet-lighthouse-7")
    press(page, "Make my account and join")
    wrong += wrong_with(page)
    page.goto(f"{PLACE}leave/")
    wrong += wrong_with(page)
    page.goto("/people/")  # not for a manager
    expect(page.locator(".lost-code")).to_have_text("403")
    assert wrong + wrong_with(page) == []
    other.close()


def test_with_the_readers_own_colours_what_is_chosen_still_shows(admin: Page) -> None:
    admin.emulate_media(forced_colors="active")
    admin.goto(f"{PLACE}members/2/")
    chosen = admin.locator("[name=role]:checked")
    expect(chosen).to_have_css("appearance", "auto")
    admin.goto(f"{PLACE}members/")
    edges = admin.locator(".tab").evaluate_all(
        "all => all.map(one => getComputedStyle(one).borderBottomColor)"
    )
    assert len(edges) == 4
    assert edges.count(edges[-1]) == 1  # Members, which is open
    admin.emulate_media(forced_colors="none")


def test_refusals_and_faults_fit_read_well_and_lead_on(admin: Page) -> None:
    wrong = []
    for address, status in (("/nowhere/", "404"), (f"{PLACE}keys/1/pause/", "405")):
        admin.goto(address)
        expect(admin.locator(".lost-code")).to_have_text(status)
        expect(admin.get_by_role("link", name="Go to the overview")).to_be_visible()
        wrong += wrong_with(admin)
    shown = ""

    def answer(route: Route) -> None:
        route.fulfill(body=shown, content_type="text/html")

    admin.route("**/made-up/", answer)
    for status in BROKEN:
        shown = loader.render_to_string(f"errors/{status}.html")
        admin.goto("/made-up/")
        expect(admin.locator(".lost-code")).to_have_text(status)
        wrong += wrong_with(admin)
    admin.unroute("**/made-up/")
    assert wrong == []
