"""What writes an event is held back before anything is done: by hand, by program, for each."""

import pytest
from django.test import Client

from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core.limits import Limit
from freddy_admin.organisations.models import Membership
from freddy_admin.vault.models import ApiKey
from freddy_admin.web import write_limits
from freddy_admin.web.machines import gate
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.deeds.scene import HERE, Scene
from tests.web.membership import member_made
from tests.web.test_every_write_is_written_down import (
    WRITES,
    scene,  # noqa: F401  where deeds are done
)
from tests.web.undone import let_go

# Whoever is not signed in, or comes in by it, is held by the limits of signing in.
NOT_SIGNED_IN = "nobody"


def used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the person had sent all that they may this minute."""
    monkeypatch.setattr(write_limits, "BY_HAND", Limit("writes", most=0, seconds=60))
    monkeypatch.setattr(gate, "BY_PROGRAMS", Limit("program-writes", most=0, seconds=60))


def _signed_in_writes() -> list[str]:
    return [
        name
        for name, deed in WRITES.items()
        if deed.who != NOT_SIGNED_IN or name in {"check", "sync"}
    ]


@pytest.mark.parametrize("name", _signed_in_writes())
def test_every_form_beyond_the_limit_does_nothing_and_says_when_to_come_back(
    name: str,
    scene: Scene,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deed = WRITES[name]
    ask = deed.ask(scene)
    client = scene.client(deed.who)
    before = AuditEvent.objects.count()
    used_up(monkeypatch)
    answer = ask.sent(client)
    let_go(answer)
    if ask.method == "get" or name in {"session_end", "sessions_end", "account_logout"}:
        assert answer.status_code < 400
        return
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert b"Wait " in answer.content
    assert AuditEvent.objects.count() == before


def test_a_script_is_held_back_after_so_many_forms_a_minute(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Limit("writes", most=60, seconds=60) == write_limits.BY_HAND
    monkeypatch.setattr(write_limits, "BY_HAND", Limit("writes", most=10, seconds=60))
    client, key = signed_in(people.manager), make_key()
    page = f"{HERE}keys/{key.pk}/"
    before = AuditEvent.objects.count()
    answers = [
        client.post(f"{page}{('pause', 'resume')[number % 2]}/").status_code for number in range(14)
    ]
    assert answers == [302] * 10 + [429] * 4
    assert AuditEvent.objects.count() - before == 10
    assert ApiKey.objects.get().paused_at is None
    assert signed_in(people.admin).post(f"{page}pause/").status_code == 302

    hand_clock.forward(minutes=1)
    assert client.post(f"{page}resume/").status_code == 302


def test_a_manager_gives_fifty_members_another_role_within_a_minute(
    people: People,
    signed_in: SignIn,
    scene: Scene,  # noqa: F811
) -> None:
    client = signed_in(people.manager)
    members = [member_made(scene.organisation) for _ in range(50)]
    for member in members:
        answer = client.post(f"{HERE}members/{member.pk}/", {"role": "operator"})
        assert answer.status_code == 302
    ids = [member.pk for member in members]
    assert Membership.objects.filter(user_id__in=ids, role="operator").count() == 50
    assert AuditEvent.objects.filter(tag="member_changed").count() == 50


def test_what_was_typed_can_be_copied_and_a_secret_never(
    people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_up(monkeypatch)
    fields = {"label": "A long label", "tags": "emea", "api_key": "oak_live_0123456789abcdef"}
    answer = signed_in(people.manager).post(
        f"{HERE}keys/add/", fields, headers={"origin": "http://testserver"}
    )
    page = answer.content.decode()
    assert "A long label" in page
    assert "emea" in page
    assert "oak_live" not in page
    assert f'href="{HERE}keys/add/"' in page


def test_pages_stay_readable_and_sessions_can_be_ended_beyond_the_limit(
    people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(people.viewer)
    used_up(monkeypatch)
    assert client.get("/").status_code == 200
    assert client.post("/profile/", {"name": "x"}).status_code == 429
    assert client.post("/profile/sessions/end/").status_code == 302
    assert client.post("/accounts/logout/").status_code == 302


def test_several_tokens_of_one_person_are_held_back_together(
    people: People, make_key: MakeKey, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Limit("program-writes", most=60, seconds=60) == write_limits.BY_PROGRAMS
    monkeypatch.setattr(gate, "BY_PROGRAMS", Limit("program-writes", most=6, seconds=60))
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
    # Neither another person's programs nor their own hands are held back for it.
    other = client.post(
        path, "{}", "application/json", headers={"authorization": _bearer(people.manager, 9)}
    )
    assert other.status_code in {200, 202}
    by_hand = signed_in(people.operator).post(f"{HERE}keys/{key.pk}/check/")
    assert by_hand.status_code == 302


def _bearer(user: User, number: int) -> str:
    wish = TokenWish(TokenScope.ACT)
    return f"Bearer {api_token_create(actor=OPERATOR, user=user, name=f'T{number}', wish=wish)}"
