"""A person, or somebody who is none, sends as fast as they can: the log has few lines of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import SavedView
from freddy_admin.audit import repeats
from freddy_admin.audit.chain import chain_catch_up
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.repeats import DIFFERENT_A_MINUTE
from freddy_admin.audit.rounds import audit_round
from freddy_admin.audit.tags import Tag
from freddy_admin.audit.verifying import chain_verify
from freddy_admin.core.limits import Limit
from freddy_admin.web import write_limits
from tests.drills import drill_share
from tests.web.conftest import HandClock, People, SignIn
from tests.web.undone import let_go

Send = Callable[[Client, int], Any]
PROFILE = {"time_zone": "UTC", "theme": "light"}


def _view(client: Client, number: int) -> Any:
    if number % 2 == 0:
        return client.post("/views/keep/", {"name": f"V{number}", "query": "state=late"})
    return client.post(f"/views/{SavedView.objects.get().pk}/remove/")


# Name → what is sent, and what is written of it.
FLOODS: dict[str, tuple[Send, set[Tag]]] = {
    "exports": (lambda client, _: client.get("/overview.csv"), {Tag.EXPORTED}),
    "exports, filtered": (
        lambda client, number: client.get(f"/overview.csv?q={number}"),
        {Tag.EXPORTED},
    ),
    "the log's export": (lambda client, n: client.get(f"/audit.csv?q={n}"), {Tag.EXPORTED}),
    "their own data": (lambda client, _: client.get("/profile/export/"), {Tag.PERSON_EXPORTED}),
    "refusals": (
        lambda client, n: client.get(f"/organisations/alder/keys/{n}/edit/"),
        {Tag.ACCESS_DENIED},
    ),
    "one refusal": (lambda client, _: client.get("/system/"), {Tag.ACCESS_DENIED}),
    "their profile": (
        lambda client, n: client.post("/profile/", PROFILE | {"name": "AB"[n % 2]}),
        {Tag.PERSON_CHANGED},
    ),
    "their name": (
        lambda client, n: client.post("/profile/", PROFILE | {"name": f"N{n}"}),
        {Tag.PERSON_CHANGED},
    ),
    "views": (_view, {Tag.VIEW_KEPT, Tag.VIEW_REMOVED}),
    "addresses that are not there": (
        lambda client, n: client.get(f"/organisations/nowhere-{n}/"),
        set(),
    ),
    "HEAD": (lambda client, n: client.head(f"/overview.csv?q={n}"), set()),
}


def happened(tags: set[Tag]) -> int:
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
    # Forms beyond the limit are refused anyway: here the log must hold without it.
    monkeypatch.setattr(write_limits, "BY_HAND", Limit("writes", most=10**9, seconds=60))
    send, tags = FLOODS[flood]
    client, whole = signed_in(people.viewer), drill_share(400)
    for number in range(whole):
        answer = send(client, number)
        assert answer.status_code < 500
        let_go(answer)
    hand_clock.forward(minutes=10)
    audit_round(now=hand_clock())
    events = AuditEvent.objects.exclude(tag=Tag.SIGNED_IN)
    assert events.count() <= (DIFFERENT_A_MINUTE + 2) * len(tags)
    assert set(events.values_list("tag", flat=True)) == tags
    assert happened(tags) == (whole if tags else 0)
    assert not RepeatCount.objects.exists()
    chain_catch_up(whole=True)
    assert chain_verify()[1] is None


def test_visitors_floods_are_counted_by_their_network(db: None, hand_clock: HandClock) -> None:
    strict = Client(enforce_csrf_checks=True)
    for number in range(20):
        headers = {"authorization": f"Bearer made-up-{number}"}
        assert Client().get("/api/v1/statuses", headers=headers).status_code == 401
        assert strict.post("/accounts/login/", {"login": f"{number}"}).status_code == 403
    assert AuditEvent.objects.filter(tag=Tag.SIGN_IN_FAILED).count() == 1
    assert AuditEvent.objects.filter(tag=Tag.ACCESS_DENIED).count() == 1
    hand_clock.forward(minutes=10)
    audit_round(now=hand_clock())
    counts = [event.details.get("more_times") for event in AuditEvent.objects.order_by("pk")]
    assert sorted(counts, key=bool) == [None, None, 19, 19]


def test_wrong_passwords_from_everywhere_are_bounded_together(
    people: People, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "VISITORS_A_MINUTE", 6)
    client = Client()
    for number in range(10):
        fields = {"login": f"u{number}@example.org", "password": "wrong-password-1"}
        answer = client.post("/accounts/login/", fields, REMOTE_ADDR=f"2001:db8:{number:x}::1")
        assert answer.status_code == 200
    assert AuditEvent.objects.filter(tag=Tag.SIGN_IN_FAILED).count() == 6
    hand_clock.forward(minutes=10)
    audit_round(now=hand_clock())
    assert happened({Tag.SIGN_IN_FAILED}) == 10


def test_a_known_and_an_unknown_address_are_counted_alike(people: People) -> None:
    """Two unknown ones look alike in the log; were they counted together, that would tell."""
    client = Client()
    events = []
    for login in ("viewer@example.org", "vieira@example.org", "vielle@example.org"):
        before = AuditEvent.objects.count()
        client.post("/accounts/login/", {"login": login, "password": "wrong-password-1"})
        events.append(AuditEvent.objects.count() - before)
    assert events == [1, 1, 1]


def test_the_log_says_how_often_and_until_when(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    people.viewer.time_zone = "Europe/Zurich"
    people.viewer.save()
    client = signed_in(people.viewer)
    for _ in range(5):
        let_go(client.get("/overview.csv"))
    hand_clock.forward(seconds=90)
    let_go(client.get("/overview.csv"))
    for number in range(DIFFERENT_A_MINUTE + 4):
        client.get(f"/organisations/alder/keys/{number}/edit/")
    hand_clock.forward(minutes=10)
    audit_round(now=hand_clock())

    page = client.get("/audit/").content.decode()
    assert "5 more times until 13:01" in page
    assert "4 more times until 13:01, in different ways" in page
    file = client.get("/audit.csv").getvalue().decode()
    assert "5 more times until 2026-03-02T12:01:30Z" in file
    told = client.get("/profile/export/").json()
    assert '"more_times": 5' in str(told).replace("'", '"')
