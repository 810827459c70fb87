"""People and visitors who send as fast as they can leave few events in the audit log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import SavedView
from freddy_admin.audit import services as audit_services
from freddy_admin.audit.chain import chain_append_missing
from freddy_admin.audit.chain_verification import audit_verification_run_step, chain_verify
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.services import MAX_DISTINCT_PER_MINUTE
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.rate_limits import RateLimit
from freddy_admin.web import middleware
from tests.drill_scale import drill_count
from tests.web.conftest import HandClock, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response

Send = Callable[[Client, int], Any]
PROFILE = {"time_zone": "UTC", "theme": "light"}


def _view(client: Client, number: int) -> Any:
    if number % 2 == 0:
        return client.post("/views/keep/", {"name": f"V{number}", "query": "state=late"})
    return client.post(f"/views/{SavedView.objects.get().pk}/remove/")


# Name → the request, and the tag of its audit event.
FLOODS: dict[str, tuple[Send, set[AuditTag]]] = {
    "exports": (lambda client, _: client.get("/overview.csv"), {AuditTag.EXPORTED}),
    "exports, filtered": (
        lambda client, number: client.get(f"/overview.csv?q={number}"),
        {AuditTag.EXPORTED},
    ),
    "the log's export": (lambda client, n: client.get(f"/audit.csv?q={n}"), {AuditTag.EXPORTED}),
    "their own data": (
        lambda client, _: client.get("/profile/export/"),
        {AuditTag.PERSON_EXPORTED},
    ),
    "refusals": (
        lambda client, n: client.get(f"/organisations/alder/keys/{n}/edit/"),
        {AuditTag.ACCESS_DENIED},
    ),
    "one refusal": (lambda client, _: client.get("/system/"), {AuditTag.ACCESS_DENIED}),
    "their profile": (
        lambda client, n: client.post("/profile/", PROFILE | {"name": "AB"[n % 2]}),
        {AuditTag.PERSON_CHANGED},
    ),
    "their name": (
        lambda client, n: client.post("/profile/", PROFILE | {"name": f"N{n}"}),
        {AuditTag.PERSON_CHANGED},
    ),
    "views": (_view, {AuditTag.VIEW_KEPT, AuditTag.VIEW_REMOVED}),
    "addresses that are not there": (
        lambda client, n: client.get(f"/organisations/nowhere-{n}/"),
        set(),
    ),
    "HEAD": (lambda client, n: client.head(f"/overview.csv?q={n}"), set()),
}


def count_events(tags: set[AuditTag]) -> int:
    events = AuditEvent.objects.filter(tag__in=tags).values_list("details", flat=True)
    return sum(details.get("more_times", 1) for details in events)


@pytest.mark.drill
@pytest.mark.parametrize("flood", FLOODS)
def test_a_viewer_who_floods_leaves_few_events_and_an_exact_count(
    flood: str,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without the write limit, which would refuse most forms: the log must stay small by itself.
    monkeypatch.setattr(
        middleware, "USER_WRITE_LIMIT", RateLimit("writes", amount=10**9, seconds=60)
    )
    send, tags = FLOODS[flood]
    client, attempts = signed_in(people.viewer), drill_count(400)
    for number in range(attempts):
        answer = send(client, number)
        assert answer.status_code < 500
        close_response(answer)
    hand_clock.advance(minutes=10)
    audit_verification_run_step(now=hand_clock())
    events = AuditEvent.objects.exclude(tag=AuditTag.SIGNED_IN)
    assert events.count() <= (MAX_DISTINCT_PER_MINUTE + 2) * len(tags)
    assert set(events.values_list("tag", flat=True)) == tags
    assert count_events(tags) == (attempts if tags else 0)
    assert not RepeatCount.objects.exists()
    chain_append_missing(whole=True)
    assert chain_verify()[1] is None


def test_floods_of_visitors_are_counted_by_network(db: None, hand_clock: HandClock) -> None:
    strict = Client(enforce_csrf_checks=True)
    for number in range(20):
        headers = {"authorization": f"Bearer made-up-{number}"}
        assert Client().get("/api/v1/statuses", headers=headers).status_code == 401
        assert strict.post("/accounts/login/", {"login": f"{number}"}).status_code == 403
    assert AuditEvent.objects.filter(tag=AuditTag.SIGN_IN_FAILED).count() == 1
    assert AuditEvent.objects.filter(tag=AuditTag.ACCESS_DENIED).count() == 1
    hand_clock.advance(minutes=10)
    audit_verification_run_step(now=hand_clock())
    counts = [event.details.get("more_times") for event in AuditEvent.objects.order_by("pk")]
    assert sorted(counts, key=bool) == [None, None, 19, 19]


def test_wrong_passwords_from_everywhere_are_bounded_together(
    people: People, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_services, "MAX_VISITOR_EVENTS_PER_MINUTE", 6)
    client = Client()
    for number in range(10):
        fields = {"login": f"u{number}@example.org", "password": "wrong-password-1"}
        answer = client.post("/accounts/login/", fields, REMOTE_ADDR=f"2001:db8:{number:x}::1")
        assert answer.status_code == 200
    assert AuditEvent.objects.filter(tag=AuditTag.SIGN_IN_FAILED).count() == 6
    hand_clock.advance(minutes=10)
    audit_verification_run_step(now=hand_clock())
    assert count_events({AuditTag.SIGN_IN_FAILED}) == 10


def test_a_known_and_an_unknown_address_are_counted_alike(people: People) -> None:
    """Unknown addresses look alike in the log; counted together, they would reveal accounts."""
    client = Client()
    events = []
    for login in ("viewer@example.org", "vieira@example.org", "vielle@example.org"):
        event_count_before = AuditEvent.objects.count()
        client.post("/accounts/login/", {"login": login, "password": "wrong-password-1"})
        events.append(AuditEvent.objects.count() - event_count_before)
    assert events == [1, 1, 1]


def test_audit_log_says_how_often_an_event_repeated_and_until_when(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    people.viewer.time_zone = "Europe/Zurich"
    people.viewer.save()
    client = signed_in(people.viewer)
    for _ in range(5):
        close_response(client.get("/overview.csv"))
    hand_clock.advance(seconds=90)
    close_response(client.get("/overview.csv"))
    for number in range(MAX_DISTINCT_PER_MINUTE + 4):
        client.get(f"/organisations/alder/keys/{number}/edit/")
    hand_clock.advance(minutes=10)
    audit_verification_run_step(now=hand_clock())

    page = client.get("/audit/").content.decode()
    assert "5 more times until 13:01" in page
    assert "4 more times until 13:01, in different ways" in page
    file = client.get("/audit.csv").getvalue().decode()
    assert "5 more times until 2026-03-02T12:01:30Z" in file
    body = client.get("/profile/export/").json()
    assert '"more_times": 5' in str(body).replace("'", '"')
