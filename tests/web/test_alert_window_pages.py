"""Maintenance windows: who sees, plans, changes and ends them."""

from datetime import time, timedelta

import pytest

from freddy_admin.alerts.models import MaintenanceWindow
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import KeyTag
from tests.web.actions.incident_actions import WINDOW_FIELDS
from tests.web.conftest import HandClock, People, SignIn
from tests.web.incident_rows import create_window

NEW = "/organisations/alder/alerts/windows/new/"


def test_manager_plans_a_window_in_a_named_zone(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.manager)
    fields = WINDOW_FIELDS | {"zone": "Europe/Berlin", "recurrence": "weekly"}
    page = client.post(NEW, fields, follow=True).content.decode()
    assert "The window is planned." in page
    assert "Every Monday at 22:00 (Europe/Berlin), for 2 h." in page
    # 22:00 in Berlin, in the zone of the reader.
    assert "9 Mar, 21:00" in page
    window = MaintenanceWindow.objects.get()
    assert (window.minutes, window.zone) == (120, "Europe/Berlin")
    assert "Planned by Manager." in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": ""}, "Fill this in."),
        ({"hours": "0", "minutes": "0"}, "Say how long it lasts."),
        ({"starts_on": "2026-02-30"}, "Enter a day"),
        ({"starts_at": "25:00"}, "Enter a time"),
        ({"ends_on": "2026-04-01"}, "ends by itself"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"starts_on": "2020-01-01"}, ""),
    ],
)
def test_window_that_cannot_be_is_refused_with_a_sentence(
    changes: dict[str, str], message: str, people: People, signed_in: SignIn
) -> None:
    answer = signed_in(people.manager).post(NEW, WINDOW_FIELDS | changes)
    assert answer.status_code == 200
    assert "Nothing was saved yet" in answer.content.decode()
    assert message in answer.content.decode()
    assert not MaintenanceWindow.objects.exists()


def test_window_is_changed_and_ended(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    begins = hand_clock() - timedelta(minutes=30)
    window = create_window(organisation, starts_on=begins.date(), starts_at=begins.time())
    client = signed_in(people.manager)
    page = client.get("/alerts/windows/").content.decode()
    assert "In force until" in page
    assert "End now" in page
    url = f"/organisations/alder/alerts/windows/{window.pk}/"
    form = client.get(url).content.decode()
    assert 'value="A new version"' in form
    changed = WINDOW_FIELDS | {"hours": "5", "starts_on": "2026-03-02", "starts_at": "11:30"}
    client.post(url, changed)
    window.refresh_from_db()
    assert window.minutes == 300
    assert "is ended" in client.post(f"{url}end/", follow=True).content.decode()
    assert "No window is planned" in client.get("/alerts/windows/").content.decode()


def test_members_see_windows_of_their_organisations_and_of_all(
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    other_organisation: Organisation,
) -> None:
    create_window(organisation, reason="Own")
    create_window(other_organisation, reason="Foreign")
    create_window(None, reason="Everybody")
    page = signed_in(people.viewer).get("/alerts/windows/").content.decode()
    assert "Own" in page
    assert "Everybody" in page
    assert "Foreign" not in page
    assert "Call off" not in page
    assert "Plan a window" not in page
    manager_page = signed_in(people.manager).get("/alerts/windows/").content.decode()
    assert manager_page.count("Call off") == 1
    assert "fleet/windows" not in manager_page
    assert signed_in(people.admin).get("/alerts/windows/").content.decode().count("Call off") == 3


def test_window_of_another_organisation_or_of_all_is_out_of_a_managers_reach(
    people: People, signed_in: SignIn, other_organisation: Organisation
) -> None:
    client = signed_in(people.manager)
    for window in (create_window(other_organisation), create_window(None)):
        url = f"/organisations/alder/alerts/windows/{window.pk}/"
        assert client.get(url).status_code == 404
        assert client.post(url, WINDOW_FIELDS).status_code == 404
        assert client.post(f"{url}end/").status_code == 404
        assert client.post(f"/alerts/fleet/windows/{window.pk}/end/").status_code == 403
    assert MaintenanceWindow.objects.filter(deleted_at=None).count() == 2


def test_opened_link_ends_no_window(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    window = create_window(organisation)
    client = signed_in(people.manager)
    url = f"/organisations/alder/alerts/windows/{window.pk}/end/"
    assert client.get(url).status_code == 405
    assert client.get("/alerts/windows/").status_code == 200
    window.refresh_from_db()
    assert window.deleted_at is None


def test_platform_admin_plans_a_window_of_every_organisation(
    people: People, signed_in: SignIn, other_organisation: Organisation
) -> None:
    KeyTag.objects.create(organisation=other_organisation, name="emea")
    client = signed_in(people.admin)
    page = client.post("/alerts/fleet/windows/new/", WINDOW_FIELDS | {"tag": "emea"}, follow=True)
    assert "Every organisation: keys with the tag emea" in page.content.decode()
    assert MaintenanceWindow.objects.get().starts_at == time(22)


def test_choice_of_an_organisation_leads_to_its_form(
    people: People, signed_in: SignIn, other_organisation: Organisation
) -> None:
    client = signed_in(people.manager)
    assert client.get("/alerts/windows/new/?organisation=alder")["Location"] == NEW
    answer = client.get(f"/alerts/windows/new/?organisation={other_organisation.slug}", follow=True)
    assert "whose alerts you manage" in answer.content.decode()


def test_window_of_a_tag_that_no_key_has_is_not_planned(people: People, signed_in: SignIn) -> None:
    choose, enter = "No key here has this tag. Choose another", "Enter one exactly as the keys"
    for person, url, sentence in (
        (people.manager, NEW, choose),
        (people.admin, "/alerts/fleet/windows/new/", enter),
    ):
        answer = signed_in(person).post(url, WINDOW_FIELDS | {"tag": "emea"})
        assert sentence in answer.content.decode()
    assert not MaintenanceWindow.objects.exists()
