"""The audit log page: who sees which events, filters, export."""

import csv
import io
from datetime import UTC, datetime

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor, OrganisationRef, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import HandClock, People, SignIn

ANN = Actor(name="Ann", address="192.0.2.7")


def _create_events(organisation: Organisation, number: int, *, actor: Actor = ANN) -> None:
    for count in range(number):
        organisation_ref = OrganisationRef(organisation.pk, organisation.name)
        audit_event_record(
            tag=AuditTag.KEY_PAUSED,
            actor=actor,
            organisation=organisation_ref,
            subject=f"Key {count}",
        )


def _actor_of(user: User) -> Actor:
    return Actor(name=user.email, id=user.pk)


def test_the_log_of_an_organisation_is_for_its_managers(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    _create_events(organisation, 1)
    audit_event_record(tag=AuditTag.SIGNED_IN, actor=Actor(name="Zed"))
    pages = {
        name: signed_in(getattr(people, name)).get("/audit/").content.decode()
        for name in People.__dataclass_fields__
    }
    assert "paused an API key" in pages["manager"]
    assert "from 192.0.2.7" in pages["manager"]
    assert [name for name in pages if "Key 0" in pages[name]] == ["admin", "manager"]
    assert [name for name in pages if "Zed" in pages[name]] == ["admin"]
    assert "The log of an organisation is for its managers." in pages["viewer"]


def test_everybody_reads_their_own_audit_events(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _create_events(organisation, 1, actor=_actor_of(people.operator))
    audit_event_record(
        tag=AuditTag.SIGNED_IN, actor=_actor_of(people.operator), subject=people.operator.email
    )
    page = signed_in(people.operator).get("/audit/").content.decode()
    assert "Key 0" in page
    assert "signed in" in page
    assert "Key 0" not in signed_in(people.viewer).get("/audit/").content.decode()


def test_former_member_no_longer_reads_events_of_the_organisation(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _create_events(organisation, 1, actor=_actor_of(people.operator))
    people.operator.memberships.all().delete()
    assert "Key 0" not in signed_in(people.operator).get("/audit/").content.decode()


def test_deleted_organisation_is_still_found_by_its_name(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _create_events(organisation, 1)
    organisation.delete()
    assert "Key 0" in signed_in(people.admin).get("/audit/?organisation=Alder").content.decode()


def test_the_log_is_paged_in_both_directions(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    for _ in range(3):
        _create_events(organisation, 40)
        hand_clock.advance(minutes=1)
    client = signed_in(people.manager)
    pages: list[str] = []
    address = "/audit/"
    while address:
        page = client.get(address).content.decode()
        pages.append(page)
        address = _pager_url(page, "next")
    assert [page.count('class="event"') for page in pages] == [50, 50, 21]
    assert _pager_url(pages[0], "prev") == ""
    previous_page = client.get(_pager_url(pages[2], "prev")).content.decode()
    assert _event_ids(previous_page) == _event_ids(pages[1])
    assert _event_ids(client.get(_pager_url(previous_page, "prev")).content.decode()) == _event_ids(
        pages[0]
    )


@pytest.mark.parametrize(
    ("query", "expected_subjects"),
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
    expected_subjects: set[str],
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    other_organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    _create_events(organisation, 2)
    hand_clock.advance(days=1)
    organisation_ref = OrganisationRef(other_organisation.pk, other_organisation.name)
    audit_event_record(
        tag=AuditTag.KEY_PAUSED,
        actor=_actor_of(people.manager),
        organisation=organisation_ref,
        subject="Sales",
    )
    page = signed_in(people.admin).get(f"/audit/{query}").content.decode()
    assert {
        name for name in ("Key 0", "Key 1", "Sales") if f">{name}<" in page
    } == expected_subjects
    assert ("Nothing matches" in page) is not bool(expected_subjects)


def test_days_are_those_of_the_readers_zone(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    User.objects.filter(pk=people.manager.pk).update(time_zone="Pacific/Auckland")
    hand_clock.at = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)  # the 3rd has begun in Auckland
    _create_events(organisation, 1)
    client = signed_in(people.manager)
    assert "Key 0" in client.get("/audit/?from=2026-03-03").content.decode()
    assert "Key 0" not in client.get("/audit/?to=2026-03-02").content.decode()


def test_events_of_one_request_are_found_by_its_id(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    client = signed_in(people.manager)
    answer = client.post("/organisations/alder/rename/", {"name": "Elm"})
    name = answer["X-Request-Id"]
    assert AuditEvent.objects.get(tag=AuditTag.ORGANISATION_RENAMED).request_id == name
    page = client.get(f"/audit/?request={name}").content.decode()
    assert page.count('class="event"') == 1
    assert "Alder → Elm" in page


def test_audit_event_shows_old_and_new_values(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    organisation_ref = OrganisationRef(organisation.pk, organisation.name)
    changes = {"label": ["Main", "Sales"], "tags": [[], ["emea"]], "grace_minutes": [None, 30]}
    audit_event_record(
        tag=AuditTag.KEY_CHANGED,
        actor=ANN,
        organisation=organisation_ref,
        subject="Sales",
        changes=changes,
    )
    audit_event_record(
        tag=AuditTag.MEMBER_ADDED,
        actor=ANN,
        organisation=organisation_ref,
        subject="Tom",
        new="operator",
    )
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
    _create_events(organisation, 120)
    with django_assert_num_queries(8):  # type: ignore[operator]
        client.get("/audit/?organisation=Alder")


def _csv(client: object, address: str) -> list[dict[str, str]]:
    answer = client.get(address)  # type: ignore[attr-defined]
    assert answer["Content-Type"].startswith("text/csv")
    assert 'filename="audit-2026-03-02-1200.csv"' in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_filtered_events_are_exported_and_the_export_is_audited(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    _create_events(organisation, 3)
    organisation_ref = OrganisationRef(organisation.pk, organisation.name)
    audit_event_record(
        tag=AuditTag.KEY_CHANGED, actor=ANN, organisation=organisation_ref, subject="=cmd()", a="b"
    )
    client = signed_in(people.manager)
    rows = _csv(client, "/audit.csv")
    assert [row["subject"] for row in rows[-4:]] == ["'=cmd()", "Key 2", "Key 1", "Key 0"]
    assert rows[-1]["time"] == "2026-03-02T12:00:00.000000Z"
    assert rows[-1]["what"] == "paused an API key"
    assert len(_csv(client, "/audit.csv?q=Key")) == 3

    exports = AuditEvent.objects.filter(tag=AuditTag.EXPORTED).order_by("pk")
    assert [(event.subject, event.details) for event in exports] == [
        ("audit log, CSV", {"filters": {}}),
        ("audit log, CSV", {"filters": {"q": "Key"}}),
    ]
    assert exports[0].actor_id == people.manager.pk


def test_audit_export_holds_no_more_than_the_page(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    _create_events(organisation, 600)
    rows = _csv(signed_in(people.viewer), "/audit.csv")
    assert {row["who"] for row in rows} <= {"Viewer (viewer@example.org)"}
    assert len(_csv(signed_in(people.manager), "/audit.csv?tag=key_paused")) == 600


def test_no_filter_brings_another_organisation_into_the_export(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    _create_events(organisation, 1)
    _create_events(other_organisation, 2)
    number = AuditEvent.objects.filter(organisation_id=other_organisation.pk).values_list(
        "pk", flat=True
    )[0]
    client = signed_in(people.manager)
    for query in ("", "?organisation=Birch", "?q=Key", "?who=Ann", "?tag=key_paused"):
        rows = _csv(client, f"/audit.csv{query}")
        assert {row["organisation"] for row in rows} <= {"", "Alder"}
        assert str(number) not in {row["number"] for row in rows}


def test_no_name_becomes_markup(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    xss = '"><script>alert(1)</script>'
    audit_event_record(
        tag=AuditTag.KEY_CHANGED,
        actor=Actor(name=xss),
        organisation=OrganisationRef(organisation.pk, xss),
        subject=xss,
        changes={xss: [xss, xss]},
        note=xss,
    )
    client = signed_in(people.manager)
    for address in ("/audit/", f"/audit/?q={xss}", f"/audit/?who={xss}&organisation={xss}"):
        assert "<script>alert" not in client.get(address).content.decode()


def _event_ids(page: str) -> list[str]:
    return [row_html.split('"')[0] for row_html in page.split('id="event-')[1:]]


def _pager_url(page: str, rel: str) -> str:
    for link_html in page.split("<a ")[1:]:
        tag = link_html.split(">")[0]
        if f'rel="{rel}"' in tag:
            return tag.split('href="')[1].split('"')[0].replace("&amp;", "&")
    return ""
