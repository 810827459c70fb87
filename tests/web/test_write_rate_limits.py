"""Rate limits of writes apply before anything is done: for forms and for API requests."""

import pytest
from django.test import Client

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.api import permissions
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core.rate_limits import RateLimit
from freddy_admin.organisations.models import Membership
from freddy_admin.vault.models import ApiKey
from freddy_admin.web import middleware
from tests.web.actions.scenario import ORGANISATION_URL, Scenario
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.member_factories import create_member
from tests.web.test_every_write_is_audited import (  # noqa: F401  where deeds are done
    WRITES,
    scene,
)

# Visitors, and those who sign in, are held by the limits of signing in.
NOT_SIGNED_IN = "nobody"


def exhausted_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of zero, as for a person who used up all writes of this minute."""
    monkeypatch.setattr(middleware, "USER_WRITE_LIMIT", RateLimit("writes", amount=0, seconds=60))
    monkeypatch.setattr(
        permissions, "API_WRITE_LIMIT", RateLimit("program-writes", amount=0, seconds=60)
    )


def _signed_in_writes() -> list[str]:
    return [
        name
        for name, action in WRITES.items()
        if action.actor_role != NOT_SIGNED_IN or name in {"check", "sync"}
    ]


@pytest.mark.parametrize("name", _signed_in_writes())
def test_every_form_beyond_the_limit_does_nothing_and_says_when_to_come_back(
    name: str,
    scene: Scenario,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    action = WRITES[name]
    action_request = action.build_request(scene)
    client = scene.client(action.actor_role)
    event_count_before = AuditEvent.objects.count()
    exhausted_limits(monkeypatch)
    answer = action_request.send(client)
    close_response(answer)
    if action_request.method == "get" or name in {"session_end", "sessions_end", "account_logout"}:
        assert answer.status_code < 400
        return
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert b"Wait " in answer.content
    assert AuditEvent.objects.count() == event_count_before


def test_a_script_is_held_back_after_so_many_forms_a_minute(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert RateLimit("writes", amount=60, seconds=60) == middleware.USER_WRITE_LIMIT
    monkeypatch.setattr(middleware, "USER_WRITE_LIMIT", RateLimit("writes", amount=10, seconds=60))
    client, key = signed_in(people.manager), make_key()
    page = f"{ORGANISATION_URL}keys/{key.pk}/"
    event_count_before = AuditEvent.objects.count()
    answers = [
        client.post(f"{page}{('pause', 'resume')[number % 2]}/").status_code for number in range(14)
    ]
    assert answers == [302] * 10 + [429] * 4
    assert AuditEvent.objects.count() - event_count_before == 10
    assert ApiKey.objects.get().paused_at is None
    assert signed_in(people.admin).post(f"{page}pause/").status_code == 302

    hand_clock.advance(minutes=1)
    assert client.post(f"{page}resume/").status_code == 302


def test_a_manager_gives_fifty_members_another_role_within_a_minute(
    people: People,
    signed_in: SignIn,
    scene: Scenario,  # noqa: F811
) -> None:
    client = signed_in(people.manager)
    members = [create_member(scene.organisation) for _ in range(50)]
    for member in members:
        answer = client.post(f"{ORGANISATION_URL}members/{member.pk}/", {"role": "operator"})
        assert answer.status_code == 302
    ids = [member.pk for member in members]
    assert Membership.objects.filter(user_id__in=ids, role="operator").count() == 50
    assert AuditEvent.objects.filter(tag="member_changed").count() == 50


def test_unsaved_input_can_be_copied_and_a_secret_never(
    people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    exhausted_limits(monkeypatch)
    fields = {"label": "A long label", "tags": "emea", "api_key": "oak_live_0123456789abcdef"}
    answer = signed_in(people.manager).post(
        f"{ORGANISATION_URL}keys/add/", fields, headers={"origin": "http://testserver"}
    )
    page = answer.content.decode()
    assert "A long label" in page
    assert "emea" in page
    assert "oak_live" not in page
    assert f'href="{ORGANISATION_URL}keys/add/"' in page


def test_pages_stay_readable_and_sessions_can_be_ended_beyond_the_limit(
    people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(people.viewer)
    exhausted_limits(monkeypatch)
    assert client.get("/").status_code == 200
    assert client.post("/profile/", {"name": "x"}).status_code == 429
    assert client.post("/profile/sessions/end/").status_code == 302
    assert client.post("/accounts/logout/").status_code == 302


def test_several_tokens_of_one_person_are_held_back_together(
    people: People, make_key: MakeKey, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RateLimit("program-writes", amount=60, seconds=60) == permissions.API_WRITE_LIMIT
    monkeypatch.setattr(
        permissions, "API_WRITE_LIMIT", RateLimit("program-writes", amount=6, seconds=60)
    )
    key = make_key()
    programs = [_bearer(people.operator, number) for number in range(3)]
    path = f"/api/v1/keys/{key.pk}/check"
    client = Client()
    answers = [
        client.post(path, "{}", "application/json", headers={"authorization": programs[number % 3]})
        for number in range(9)
    ]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses[:6]) <= {200, 202}
    assert statuses[6:] == [429] * 3
    assert int(answers[-1]["Retry-After"]) > 0
    assert "Wait " in answers[-1].json()["detail"]
    # Neither another person's tokens nor the person's own forms are limited by it.
    other_response = client.post(
        path, "{}", "application/json", headers={"authorization": _bearer(people.manager, 9)}
    )
    assert other_response.status_code in {200, 202}
    by_hand = signed_in(people.operator).post(f"{ORGANISATION_URL}keys/{key.pk}/check/")
    assert by_hand.status_code == 302


def _bearer(user: User, number: int) -> str:
    token_options = ApiTokenOptions(TokenScope.ACT)
    token = api_token_create(
        actor=OPERATOR, user=user, name=f"T{number}", token_options=token_options
    )
    return f"Bearer {token}"
