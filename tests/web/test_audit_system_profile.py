"""The audit log, the system page and the profile."""

from datetime import timedelta

from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import ApiHealth, WorkerBeat
from tests.web.conftest import HandClock, People, SignIn

ANN = Actor(name="Ann", address="192.0.2.7")


def _events(organisation: Organisation, number: int) -> None:
    for count in range(number):
        place = Place(organisation.pk, organisation.name)
        audit_record(tag=Tag.KEY_PAUSED, actor=ANN, place=place, subject=f"Key {count}")


def test_people_read_the_log_of_their_organisations_alone(
    people: People, signed_in: SignIn, organisation: Organisation, other: Organisation
) -> None:
    _events(organisation, 1)
    audit_record(tag=Tag.SIGNED_IN, actor=Actor(name="Zed"))
    mine = signed_in(people.viewer).get("/audit/").content.decode()
    assert "paused an API key" in mine
    assert "from 192.0.2.7" in mine
    assert "Zed" not in mine
    assert "Key 0" not in signed_in(people.stranger).get("/audit/").content.decode()
    assert "Zed" in signed_in(people.admin).get("/audit/").content.decode()


def test_the_log_is_paged_searched_and_filtered(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _events(organisation, 51)
    client = signed_in(people.viewer)
    first = client.get("/audit/").content.decode()
    assert first.count('class="event"') == 50
    assert 'href="?page=2"' in first
    assert client.get("/audit/?page=2").content.decode().count('class="event"') == 1
    assert client.get("/audit/?q=Key+50").content.decode().count('class="event"') == 1
    assert "Nothing matches" in client.get("/audit/?tag=key_added").content.decode()


def test_old_and_new_values_are_told(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    place = Place(organisation.pk, organisation.name)
    changes = {"label": ["Main", "Sales"], "tags": [[], ["emea"]]}
    audit_record(tag=Tag.KEY_CHANGED, actor=ANN, place=place, subject="Sales", changes=changes)
    page = signed_in(people.viewer).get("/audit/").content.decode()
    assert "label: Main → Sales" in page
    assert "tags: nothing → emea" in page


def test_the_role_of_a_new_member_is_called_one(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    place = Place(organisation.pk, organisation.name)
    audit_record(tag=Tag.MEMBER_ADDED, actor=ANN, place=place, subject="Tom", new="operator")
    assert "role: operator" in signed_in(people.viewer).get("/audit/").content.decode()


def test_the_system_page_says_what_works(
    people: People, signed_in: SignIn, worker: WorkerBeat, hand_clock: HandClock
) -> None:
    ApiHealth.objects.create(pk=1, checked_at=hand_clock(), reachable=True, elapsed_ms=12.0)
    page = signed_in(people.admin).get("/system/").content.decode()
    assert "Everything works" in page
    assert "1 worker runs" in page
    assert "reachable" in page


def test_the_system_page_says_what_does_not(
    people: People, signed_in: SignIn, worker: WorkerBeat, hand_clock: HandClock
) -> None:
    ApiHealth.objects.create(pk=1, checked_at=hand_clock(), reachable=False, kind="tls")
    hand_clock.at += timedelta(minutes=5)
    page = signed_in(people.admin).get("/system/").content.decode()
    assert "no worker runs" in page
    assert "Secure connection failed" in page
    assert "2 parts need you" in page


def test_the_zone_and_the_look_of_a_profile_are_used_and_named(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    sent = {"name": "Vi", "time_zone": "Europe/Zurich", "theme": "dark"}
    page = client.post("/profile/", sent, follow=True).content.decode()
    assert "Your profile was saved." in page
    assert "Times are shown in Europe/Zurich." in page
    assert 'data-theme="dark"' in page


def test_a_zone_that_does_not_exist_is_said_beside_its_field(
    people: People, signed_in: SignIn
) -> None:
    sent = {"name": "", "time_zone": "Mars/Olympus", "theme": "dark"}
    page = signed_in(people.viewer).post("/profile/", sent).content.decode()
    assert 'id="id_time_zone_error"' in page
