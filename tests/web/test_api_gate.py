"""The JSON API lets through what the token's person may do at that moment, and never more."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.tokens import bearer
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core.limits import Limit
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.history.timeline import GROUPS
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.web.machines import operations
from freddy_admin.web.machines.shapes import Group
from tests.web.conftest import HandClock, MakeKey, People
from tests.web.machines import Program


def _places(program: Program) -> set[str]:
    answer = program.get("statuses")
    assert answer.status_code == 200
    return {one["organisation_slug"] for one in answer.json()["statuses"]}


@pytest.fixture
def both(people: People, other: Organisation, make_key: MakeKey) -> list[int]:
    return [make_key("Here").pk, make_key("There", at=other).pk]


@pytest.mark.usefixtures("both")
def test_a_token_sees_what_its_person_sees_less_what_it_leaves_out(
    people: People, organisation: Organisation, other: Organisation
) -> None:
    assert _places(Program(people.admin)) == {"alder", "birch"}
    assert _places(Program(people.viewer)) == {"alder"}
    assert _places(Program(people.admin, only=[other])) == {"birch"}
    # Made for an organisation that the person cannot see (any more).
    assert _places(Program(people.viewer, only=[other])) == set()


@pytest.mark.usefixtures("both")
def test_a_membership_that_ends_takes_the_reach_along_at_once(people: People) -> None:
    program = Program(people.manager, "act")
    assert _places(program) == {"alder"}
    Membership.objects.filter(user=people.manager).delete()
    assert _places(program) == set()
    assert program.get("organisations/alder/events").status_code == 404


def test_a_smaller_role_counts_at_once(people: People, make_key: MakeKey) -> None:
    program, key = Program(people.operator, "act"), make_key()
    assert program.post(f"keys/{key.pk}/check").status_code in {200, 202}
    Membership.objects.filter(user=people.operator).update(role="viewer")
    refused = program.post(f"keys/{key.pk}/check")
    assert (refused.status_code, "viewer" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize("way", ["off", "removed", "revoked"])
def test_a_token_that_has_ended_is_as_good_as_none(way: str, people: People) -> None:
    program = Program(people.viewer)
    assert program.get("statuses").status_code == 200
    if way == "off":
        User.objects.filter(pk=people.viewer.pk).update(is_active=False)
    elif way == "removed":
        people.viewer.delete()
    else:
        ApiToken.objects.all().delete()
    ended, without = program.get("statuses"), Program(None).get("statuses")
    assert (ended.status_code, ended.content) == (401, without.content)
    assert ended["WWW-Authenticate"] == without["WWW-Authenticate"] == 'Bearer realm="Freddy Admin"'


def test_a_token_to_read_is_told_what_is_missing_before_anything_is_looked_up(
    people: People, both: list[int], django_assert_num_queries: object
) -> None:
    program = Program(people.admin)
    program.get("statuses")
    answers = {
        (answer.status_code, answer.content)
        for pk in (*both, 10**9)
        for answer in (program.post(f"keys/{pk}/check"), program.post(f"keys/{pk}/sync"))
    }
    [(status, text)] = answers
    assert status == 403
    assert "act" in json.loads(text)["detail"]


@pytest.mark.parametrize("path", ["keys/{}/check", "keys/{}/sync", "orders/{}"])
def test_what_is_not_yours_is_answered_like_what_is_not_there(
    path: str, people: People, organisation: Organisation, other: Organisation, make_key: MakeKey
) -> None:
    foreign, mine = make_key("There", at=other), make_key("Here")
    order = order_sync(organisation=other, actor=Actor("Bo"), key_id=foreign.pk, full=False)
    left_out = order_sync(organisation=organisation, actor=Actor("A"), key_id=mine.pk, full=False)
    narrow = Program(people.manager, "act", only=[other])
    there = order.pk if path.startswith("orders") else foreign.pk
    here = left_out.pk if path.startswith("orders") else mine.pk
    ask = narrow.get if path.startswith("orders") else narrow.post
    found = [ask(path.format(pk)) for pk in (there, here, 987_654, 2**63 - 1)]
    assert {answer.status_code for answer in found} == {404}
    assert len({answer.content for answer in found}) == 1


def test_a_foreign_organisation_is_answered_like_one_that_is_not_there(
    people: People, organisation: Organisation, other: Organisation
) -> None:
    narrow = Program(people.admin, only=[other])
    found = [narrow.get(f"organisations/{slug}/events") for slug in ("alder", "nope")]
    found.append(Program(people.viewer).get("organisations/birch/events"))
    assert {answer.status_code for answer in found} == {404}
    assert len({answer.content for answer in found}) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "statuses", None, 401),
        ("post", "keys/1/sync", None, 401),
        ("post", "statuses", None, 405),
        ("delete", "orders/1", None, 405),
        ("get", "nowhere", None, 404),
        ("post", "nowhere/at/all", None, 404),
        ("get", "keys/x/check", None, 405),
    ],
)
def test_every_refusal_is_json_with_a_sentence(
    method: str, path: str, body: object, status: int, db: None
) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(f"/api/v1/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert isinstance(answer.json()["detail"], str)
    assert answer["Cache-Control"] == "private, no-store"
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("keys/0/sync", None, 422),
        ("keys/9223372036854775808/sync", None, 422),
        ("keys/x/sync", None, 422),
        ("keys/1/sync", b"{", 400),
        ("keys/1/sync", b"\xff\xfe", 400),
        ("keys/1/sync", b"[" * 16_000, 400),
        ("keys/1/sync", b"[" * 100_000, 413),
        ("keys/1/sync", b'{"full": "yes"}', 422),
        ("keys/1/sync", b'{"fulll": true}', 422),
        ("keys/1/sync", b'[{"full": true}]', 422),
        ("keys/1/sync", b'{"full": "' + b"x" * 1_100_000 + b'"}', 413),
    ],
)
def test_what_cannot_be_taken_is_named_and_never_repeated(
    path: str, body: bytes | None, status: int, people: People
) -> None:
    answer = Program(people.admin, "act").post(path, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    told = answer.json()
    assert isinstance(told["detail"], str)
    assert len(answer.content) < 1_000
    if status == 422:
        assert {"field", "message"} == set(told["fields"][0])


def test_a_token_is_held_back_beyond_its_pace(
    people: People, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock
) -> None:
    monkeypatch.setattr(bearer, "PER_TOKEN", Limit("token", most=2, seconds=60))
    busy, calm = Program(people.viewer), Program(people.viewer)
    statuses = [busy.get("statuses").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    held = busy.get("statuses")
    assert 1 <= int(held["Retry-After"]) <= 60
    assert held["Retry-After"] in held.json()["detail"]
    assert calm.get("statuses").status_code == 200
    hand_clock.forward(minutes=1)
    assert busy.get("statuses").status_code == 200


def test_wrong_tokens_are_held_back_by_address_and_good_ones_are_not(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "WRONG_TOKENS", Limit("wrong-token", most=2, seconds=60))
    good, wrong = Program(people.viewer), Program(None)
    wrong.token = "freddy_" + "A" * 43
    assert [wrong.get("statuses").status_code for _ in range(4)] == [401, 401, 429, 429]
    assert good.get("statuses").status_code == 200
    # A request without any token guesses nothing.
    assert Program(None).get("statuses").status_code == 401
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    headers = {"authorization": f"Bearer {wrong.token}"}
    assert elsewhere.get("/api/v1/statuses", headers=headers).status_code == 401


def test_wrong_tokens_from_one_ipv6_network_are_counted_together(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr(bearer, "WRONG_TOKENS", Limit("wrong-token", most=2, seconds=60))

    def asked(address: str) -> int:
        headers = {"authorization": "Bearer freddy_guessed"}
        return Client(REMOTE_ADDR=address).get("/api/v1/statuses", headers=headers).status_code

    assert [asked(f"2001:db8::{number}") for number in range(1, 5)] == [401, 401, 429, 429]
    assert asked("2001:db8:0:1::1") == 401


@pytest.mark.parametrize(("error", "status"), [(OperationalError("gone"), 503), (KeyError(), 500)])
def test_what_breaks_is_told_in_json_too(
    error: Exception, status: int, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(**_: object) -> None:
        raise error

    program = Program(people.viewer)
    monkeypatch.setattr(operations, "overview_rows", breaks)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/statuses", headers={"authorization": f"Bearer {program.token}"})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert answer.json()["detail"]
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_the_document_names_what_can_be_asked_for_and_every_refusal(
    people: People, signed_in: object
) -> None:
    schema = signed_in(people.viewer).get("/api/v1/openapi.json").json()  # type: ignore[operator]
    told = {
        f"{method} {path.removeprefix('/api/v1')}": set(one["responses"])
        for path, methods in schema["paths"].items()
        for method, one in methods.items()
    }
    anyway = {"400", "401", "429"}
    assert told == {
        "get /statuses": anyway | {"200"},
        "get /organisations/{slug}/events": anyway | {"200", "404", "422"},
        "post /keys/{key_id}/check": anyway | {"200", "202", "403", "404", "409", "413", "422"},
        "post /keys/{key_id}/sync": anyway | {"202", "403", "404", "409", "413", "422"},
        "get /orders/{order_id}": anyway | {"200", "404", "422"},
    }
    assert {one.value for one in Group} == set(GROUPS)


def test_reading_is_not_written_down_and_tokens_never_are(people: People) -> None:
    program = Program(people.viewer)
    before = AuditEvent.objects.count()
    program.get("statuses")
    assert AuditEvent.objects.count() == before
    assert program.token not in str(list(AuditEvent.objects.values()))
