"""The audit log's page: who sees what, what can be looked for, what can be taken along."""

import csv
import io
from datetime import UTC, datetime

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import HandClock, People, SignIn

ANN = Actor(name="Ann", address="192.0.2.7")


def _events(organisation: Organisation, number: int, *, actor: Actor = ANN) -> None:
    for count in range(number):
        place = Place(organisation.pk, organisation.name)
        audit_record(tag=Tag.KEY_PAUSED, actor=actor, place=place, subject=f"Key {count}")


def _as(user: User) -> Actor:
    return Actor(name=user.email, id=user.pk)


def test_the_log_of_an_organisation_is_for_its_managers(
    people: People, signed_in: SignIn, organisation: Organisation, other: Organisation
) -> None:
    _events(organisation, 1)
    audit_record(tag=Tag.SIGNED_IN, actor=Actor(name="Zed"))
    pages = {
        name: signed_in(getattr(people, name)).get("/audit/").content.decode()
        for name in People.__dataclass_fields__
    }
    assert "paused an API key" in pages["manager"]
    assert "from 192.0.2.7" in pages["manager"]
    assert [name for name in pages if "Key 0" in pages[name]] == ["admin", "manager"]
    assert [name for name in pages if "Zed" in pages[name]] == ["admin"]
    assert "The log of an organisation is for its managers." in pages["viewer"]


def test_everybody_reads_what_they_did_themselves(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _events(organisation, 1, actor=_as(people.operator))
    audit_record(tag=Tag.SIGNED_IN, actor=_as(people.operator), subject=people.operator.email)
    page = signed_in(people.operator).get("/audit/").content.decode()
    assert "Key 0" in page
    assert "signed in" in page
    assert "Key 0" not in signed_in(people.viewer).get("/audit/").content.decode()


def test_who_left_an_organisation_no_longer_reads_of_it(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _events(organisation, 1, actor=_as(people.operator))
    people.operator.memberships.all().delete()
    assert "Key 0" not in signed_in(people.operator).get("/audit/").content.decode()


def test_an_organisation_that_is_gone_is_still_found_by_its_name(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _events(organisation, 1)
    organisation.delete()
    assert "Key 0" in signed_in(people.admin).get("/audit/?organisation=Alder").content.decode()


def test_the_log_is_paged_in_both_directions(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    for _ in range(3):
        _events(organisation, 40)
        hand_clock.forward(minutes=1)
    client = signed_in(people.manager)
    seen: list[str] = []
    address = "/audit/"
    while address:
        page = client.get(address).content.decode()
        seen.append(page)
        address = _link(page, "next")
    assert [page.count('class="event"') for page in seen] == [50, 50, 21]
    assert _link(seen[0], "prev") == ""
    back = client.get(_link(seen[2], "prev")).content.decode()
    assert _numbers(back) == _numbers(seen[1])
    assert _numbers(client.get(_link(back, "prev")).content.decode()) == _numbers(seen[0])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=Key+1", {"Key 1"}),
        ("?tag=key_added", set()),
        ("?who=Ann", {"Key 0", "Key 1"}),
        ("?who=manager@example.org", {"Sales"}),
        ("?who=nobody@example.org", set()),
        ("?organisation=Alder", {"Key 0", "Key 1"}),
        ("?organisation=birch", {"Sales"}),
        ("?from=2026-03-02&to=2026-03-02", {"Key 0", "Key 1"}),
        ("?from=2026-03-03", {"Sales"}),
        ("?to=2026-03-01", set()),
        ("?request=none-such", set()),
        ("?from=nonsense&to=9999-99-99&tag=zz&before=x&after=9-9-9", {"Key 0", "Key 1", "Sales"}),
        ("?before=99999999999999999-1", {"Key 0", "Key 1", "Sales"}),
    ],
)
def test_each_filter_narrows_the_page(
    query: str,
    found: set[str],
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    other: Organisation,
    hand_clock: HandClock,
) -> None:
    _events(organisation, 2)
    hand_clock.forward(days=1)
    place = Place(other.pk, other.name)
    audit_record(tag=Tag.KEY_PAUSED, actor=_as(people.manager), place=place, subject="Sales")
    page = signed_in(people.admin).get(f"/audit/{query}").content.decode()
    assert {name for name in ("Key 0", "Key 1", "Sales") if f">{name}<" in page} == found
    assert ("Nothing matches" in page) is not bool(found)


def test_days_are_those_of_the_readers_zone(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    User.objects.filter(pk=people.manager.pk).update(time_zone="Pacific/Auckland")
    hand_clock.at = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)  # the 3rd has begun in Auckland
    _events(organisation, 1)
    client = signed_in(people.manager)
    assert "Key 0" in client.get("/audit/?from=2026-03-03").content.decode()
    assert "Key 0" not in client.get("/audit/?to=2026-03-02").content.decode()


def test_everything_of_one_request_is_found_by_its_name(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    client = signed_in(people.manager)
    answer = client.post("/organisations/alder/rename/", {"name": "Elm"})
    name = answer["X-Request-Id"]
    assert AuditEvent.objects.get(tag=Tag.ORGANISATION_RENAMED).request_id == name
    page = client.get(f"/audit/?request={name}").content.decode()
    assert page.count('class="event"') == 1
    assert "Alder → Elm" in page


def test_old_and_new_values_are_told(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    place = Place(organisation.pk, organisation.name)
    changes = {"label": ["Main", "Sales"], "tags": [[], ["emea"]], "grace_minutes": [None, 30]}
    audit_record(tag=Tag.KEY_CHANGED, actor=ANN, place=place, subject="Sales", changes=changes)
    audit_record(tag=Tag.MEMBER_ADDED, actor=ANN, place=place, subject="Tom", new="operator")
    page = signed_in(people.manager).get("/audit/").content.decode()
    assert "label: Main → Sales" in page
    assert "tags: nothing → emea" in page
    assert "grace in minutes: nothing → 30" in page
    assert "role: operator" in page


def test_a_page_costs_the_same_however_long_the_log_is(
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    django_assert_num_queries: object,
) -> None:
    client = signed_in(people.manager)
    _events(organisation, 120)
    with django_assert_num_queries(8):  # type: ignore[operator]
        client.get("/audit/?organisation=Alder")


def _csv(client: object, address: str) -> list[dict[str, str]]:
    answer = client.get(address)  # type: ignore[attr-defined]
    assert answer["Content-Type"].startswith("text/csv")
    assert 'filename="audit-2026-03-02-1200.csv"' in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_what_the_filters_leave_is_taken_along_and_that_is_written_down(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _events(organisation, 3)
    place = Place(organisation.pk, organisation.name)
    audit_record(tag=Tag.KEY_CHANGED, actor=ANN, place=place, subject="=cmd()", a="b")
    client = signed_in(people.manager)
    rows = _csv(client, "/audit.csv")
    assert [row["subject"] for row in rows[-4:]] == ["'=cmd()", "Key 2", "Key 1", "Key 0"]
    assert rows[-1]["time"] == "2026-03-02T12:00:00.000000Z"
    assert rows[-1]["what"] == "paused an API key"
    assert len(_csv(client, "/audit.csv?q=Key")) == 3

    exports = AuditEvent.objects.filter(tag=Tag.EXPORTED).order_by("pk")
    assert [(one.subject, one.details) for one in exports] == [
        ("audit log, CSV", {"filters": {}}),
        ("audit log, CSV", {"filters": {"q": "Key"}}),
    ]
    assert exports[0].actor_id == people.manager.pk


def test_a_copy_holds_no_more_than_the_page(
    people: People, signed_in: SignIn, organisation: Organisation, other: Organisation
) -> None:
    _events(organisation, 600)
    rows = _csv(signed_in(people.viewer), "/audit.csv")
    assert {row["who"] for row in rows} <= {"Viewer (viewer@example.org)"}
    assert len(_csv(signed_in(people.manager), "/audit.csv?tag=key_paused")) == 600


def test_no_filter_brings_another_organisation_into_the_copy(
    people: People, signed_in: SignIn, organisation: Organisation, other: Organisation
) -> None:
    _events(organisation, 1)
    _events(other, 2)
    number = AuditEvent.objects.filter(organisation_id=other.pk).values_list("pk", flat=True)[0]
    client = signed_in(people.manager)
    for query in ("", "?organisation=Birch", "?q=Key", "?who=Ann", "?tag=key_paused"):
        rows = _csv(client, f"/audit.csv{query}")
        assert {row["organisation"] for row in rows} <= {"", "Alder"}
        assert str(number) not in {row["number"] for row in rows}


def test_no_name_becomes_markup(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    xss = '"><script>alert(1)</script>'
    audit_record(
        tag=Tag.KEY_CHANGED,
        actor=Actor(name=xss),
        place=Place(organisation.pk, xss),
        subject=xss,
        changes={xss: [xss, xss]},
        note=xss,
    )
    client = signed_in(people.manager)
    for address in ("/audit/", f"/audit/?q={xss}", f"/audit/?who={xss}&organisation={xss}"):
        assert "<script>alert" not in client.get(address).content.decode()


def _numbers(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('id="event-')[1:]]


def _link(page: str, rel: str) -> str:
    for part in page.split("<a ")[1:]:
        tag = part.split(">")[0]
        if f'rel="{rel}"' in tag:
            return tag.split('href="')[1].split('"')[0].replace("&amp;", "&")
    return ""
