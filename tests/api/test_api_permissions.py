"""The JSON API lets through what the token's person may do at that moment, and never more."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from freddy_admin.accounts import api_tokens
from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.api import routes
from freddy_admin.api.schemas import EventGroup
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core.rate_limits import RateLimit
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.history.timeline import EVENT_GROUPS
from freddy_admin.sync.operations.services import sync_operation_create
from tests.api.api_client import ApiClient
from tests.web.conftest import HandClock, MakeKey, People


def _organisation_slugs(program: ApiClient) -> set[str]:
    answer = program.get("statuses")
    assert answer.status_code == 200
    return {status["organisation_slug"] for status in answer.json()["statuses"]}


@pytest.fixture
def key_ids_of_two_organisations(
    people: People, other_organisation: Organisation, make_key: MakeKey
) -> list[int]:
    return [make_key("Here").pk, make_key("There", at=other_organisation).pk]


@pytest.mark.usefixtures("key_ids_of_two_organisations")
def test_a_token_sees_what_its_person_sees_less_what_it_leaves_out(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    assert _organisation_slugs(ApiClient(people.admin)) == {"alder", "birch"}
    assert _organisation_slugs(ApiClient(people.viewer)) == {"alder"}
    assert _organisation_slugs(ApiClient(people.admin, only=[other_organisation])) == {"birch"}
    # Made for an organisation that the person cannot see (any more).
    assert _organisation_slugs(ApiClient(people.viewer, only=[other_organisation])) == set()


@pytest.mark.usefixtures("key_ids_of_two_organisations")
def test_ended_membership_narrows_a_token_at_once(people: People) -> None:
    program = ApiClient(people.manager, "act")
    assert _organisation_slugs(program) == {"alder"}
    Membership.objects.filter(user=people.manager).delete()
    assert _organisation_slugs(program) == set()
    assert program.get("organisations/alder/events").status_code == 404


def test_lowered_role_narrows_a_token_at_once(people: People, make_key: MakeKey) -> None:
    program, key = ApiClient(people.operator, "act"), make_key()
    assert program.post(f"keys/{key.pk}/check").status_code in {200, 202}
    Membership.objects.filter(user=people.operator).update(role="viewer")
    response = program.post(f"keys/{key.pk}/check")
    assert (response.status_code, "viewer" in response.json()["detail"]) == (403, True)


@pytest.mark.parametrize("ending", ["off", "removed", "revoked"])
def test_expired_or_revoked_token_is_401(ending: str, people: People) -> None:
    program = ApiClient(people.viewer)
    assert program.get("statuses").status_code == 200
    if ending == "off":
        User.objects.filter(pk=people.viewer.pk).update(is_active=False)
    elif ending == "removed":
        people.viewer.delete()
    else:
        ApiToken.objects.all().delete()
    response, response_without_token = program.get("statuses"), ApiClient(None).get("statuses")
    assert (response.status_code, response.content) == (401, response_without_token.content)
    assert (
        response["WWW-Authenticate"]
        == response_without_token["WWW-Authenticate"]
        == 'Bearer realm="Freddy Admin"'
    )


def test_read_token_is_refused_before_any_lookup(
    people: People, key_ids_of_two_organisations: list[int], django_assert_num_queries: object
) -> None:
    program = ApiClient(people.admin)
    program.get("statuses")
    answers = {
        (answer.status_code, answer.content)
        for pk in (*key_ids_of_two_organisations, 10**9)
        for answer in (program.post(f"keys/{pk}/check"), program.post(f"keys/{pk}/sync"))
    }
    [(status, text)] = answers
    assert status == 403
    assert "act" in json.loads(text)["detail"]


@pytest.mark.parametrize("path", ["keys/{}/check", "keys/{}/sync", "orders/{}"])
def test_foreign_key_is_answered_like_a_missing_one(
    path: str,
    people: People,
    organisation: Organisation,
    other_organisation: Organisation,
    make_key: MakeKey,
) -> None:
    foreign_key, own_key = make_key("There", at=other_organisation), make_key("Here")
    order = sync_operation_create(
        organisation=other_organisation, actor=Actor("Bo"), key_id=foreign_key.pk, full=False
    )
    own_operation = sync_operation_create(
        organisation=organisation, actor=Actor("A"), key_id=own_key.pk, full=False
    )
    program = ApiClient(people.manager, "act", only=[other_organisation])
    foreign_id = order.pk if path.startswith("orders") else foreign_key.pk
    own_id = own_operation.pk if path.startswith("orders") else own_key.pk
    send = program.get if path.startswith("orders") else program.post
    responses = [send(path.format(pk)) for pk in (foreign_id, own_id, 987_654, 2**63 - 1)]
    assert {answer.status_code for answer in responses} == {404}
    assert len({answer.content for answer in responses}) == 1


def test_a_foreign_organisation_is_answered_like_one_that_is_not_there(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    program = ApiClient(people.admin, only=[other_organisation])
    responses = [program.get(f"organisations/{slug}/events") for slug in ("alder", "nope")]
    responses.append(ApiClient(people.viewer).get("organisations/birch/events"))
    assert {answer.status_code for answer in responses} == {404}
    assert len({answer.content for answer in responses}) == 1


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
def test_every_api_error_is_json_with_a_sentence(
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
def test_invalid_api_field_is_named_and_its_value_never_repeated(
    path: str, body: bytes | None, status: int, people: People
) -> None:
    answer = ApiClient(people.admin, "act").post(path, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    error_body = answer.json()
    assert isinstance(error_body["detail"], str)
    assert len(answer.content) < 1_000
    if status == 422:
        assert {"field", "message"} == set(error_body["fields"][0])


def test_token_is_rate_limited(
    people: People, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock
) -> None:
    monkeypatch.setattr(api_tokens, "PER_TOKEN", RateLimit("token", amount=2, seconds=60))
    program, other_program = ApiClient(people.viewer), ApiClient(people.viewer)
    statuses = [program.get("statuses").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    response = program.get("statuses")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response["Retry-After"] in response.json()["detail"]
    assert other_program.get("statuses").status_code == 200
    hand_clock.advance(minutes=1)
    assert program.get("statuses").status_code == 200


def test_wrong_tokens_are_rate_limited_by_ip_and_good_ones_are_not(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "WRONG_TOKENS", RateLimit("wrong-token", amount=2, seconds=60))
    program, unauthenticated = ApiClient(people.viewer), ApiClient(None)
    unauthenticated.token = "freddy_" + "A" * 43
    assert [unauthenticated.get("statuses").status_code for _ in range(4)] == [401, 401, 429, 429]
    assert program.get("statuses").status_code == 200
    # A request without any token guesses nothing.
    assert ApiClient(None).get("statuses").status_code == 401
    other_client = Client(REMOTE_ADDR="192.0.2.7")
    headers = {"authorization": f"Bearer {unauthenticated.token}"}
    assert other_client.get("/api/v1/statuses", headers=headers).status_code == 401


def test_wrong_tokens_from_one_ipv6_network_are_counted_together(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr(api_tokens, "WRONG_TOKENS", RateLimit("wrong-token", amount=2, seconds=60))

    def status_for_ip(address: str) -> int:
        headers = {"authorization": "Bearer freddy_guessed"}
        return Client(REMOTE_ADDR=address).get("/api/v1/statuses", headers=headers).status_code

    assert [status_for_ip(f"2001:db8::{number}") for number in range(1, 5)] == [401, 401, 429, 429]
    assert status_for_ip("2001:db8:0:1::1") == 401


@pytest.mark.parametrize(("error", "status"), [(OperationalError("gone"), 503), (KeyError(), 500)])
def test_server_error_of_the_api_is_json(
    error: Exception, status: int, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_error(**_: object) -> None:
        raise error

    program = ApiClient(people.viewer)
    monkeypatch.setattr(routes, "statuses_select", raise_error)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/statuses", headers={"authorization": f"Bearer {program.token}"})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert answer.json()["detail"]
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_openapi_schema_names_every_operation_and_error(people: People, signed_in: object) -> None:
    schema = signed_in(people.viewer).get("/api/v1/openapi.json").json()  # type: ignore[operator]
    documented = {
        f"{method} {path.removeprefix('/api/v1')}": set(operation["responses"])
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    common_statuses = {"400", "401", "429"}
    assert documented == {
        "get /statuses": common_statuses | {"200", "304", "422"},
        "get /organisations/{slug}/events": common_statuses | {"200", "404", "422"},
        "post /keys/{key_id}/check": common_statuses
        | {"200", "202", "403", "404", "409", "413", "422"},
        "post /keys/{key_id}/sync": common_statuses | {"202", "403", "404", "409", "413", "422"},
        "get /orders/{order_id}": common_statuses | {"200", "404", "422"},
        "get /incidents": common_statuses | {"200", "422"},
        "get /incidents/{uid}": common_statuses | {"200", "404", "422"},
        "post /incidents/{uid}/acknowledge": common_statuses
        | {"200", "403", "404", "409", "413", "422"},
        "get /deliveries": common_statuses | {"200", "422"},
    }
    assert {group.value for group in EventGroup} == set(EVENT_GROUPS)


def test_api_reads_are_not_audited_and_tokens_never_are(people: People) -> None:
    program = ApiClient(people.viewer)
    event_count_before = AuditEvent.objects.count()
    program.get("statuses")
    assert AuditEvent.objects.count() == event_count_before
    assert program.token not in str(list(AuditEvent.objects.values()))
