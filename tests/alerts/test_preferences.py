"""What a person gets by mail: their page, and the link that ends such mails."""

from datetime import time
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.models import (
    AlertPreferences,
    AlertRule,
    DeliveryState,
    DigestFrequency,
    Severity,
)
from freddy_admin.alerts.preferences import (
    MailKind,
    PreferenceValues,
    mails_leave,
    preferences_get,
    preferences_update,
    unsubscribe_token,
    unsubscribe_token_read,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.organisations.models import Membership, Organisation
from tests.alerts.conftest import ACTOR, HandClock
from tests.people import user_create

VALUES = PreferenceValues(
    gets_mail=True,
    quiet_from=time(22),
    quiet_until=time(7),
    digest="weekly",
    digest_hour=9,
    digest_weekday=4,
    digest_skips_quiet=False,
)


@pytest.fixture
def user(db: None) -> User:
    return user_create("mona")


def values(**changes: Any) -> PreferenceValues:
    chosen = {name: getattr(VALUES, name) for name in VALUES.__slots__}
    return PreferenceValues(**(chosen | changes))


def test_person_who_chose_nothing_has_the_defaults(user: User) -> None:
    preferences = preferences_get(user=user)
    assert preferences.gets_mail
    assert preferences.digest == DigestFrequency.NONE
    assert not AlertPreferences.objects.exists()


def test_what_a_person_chose_is_stored_and_audited(user: User, hand_clock: HandClock) -> None:
    preferences_update(actor=ACTOR, user=user, values=VALUES)
    row = preferences_get(user=user)
    assert {name: getattr(row, name) for name in VALUES.__slots__} == {
        name: getattr(VALUES, name) for name in VALUES.__slots__
    }
    assert row.digest_chosen_at == clock.now()
    assert AuditEvent.objects.get().tag == "person_changed"

    chosen_at = row.digest_chosen_at
    hand_clock.advance(hours=1)
    preferences_update(actor=ACTOR, user=user, values=VALUES)  # nothing new
    preferences_update(actor=ACTOR, user=user, values=values(quiet_from=None, quiet_until=None))
    assert preferences_get(user=user).digest_chosen_at == chosen_at
    assert AuditEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quiet_from": None}, "quiet_from"),
        ({"quiet_until": None}, "quiet_until"),
        ({"quiet_until": time(22)}, "quiet_until"),
        ({"digest": "hourly"}, "digest"),
        ({"digest_hour": 24}, "digest_hour"),
        ({"digest_weekday": 7}, "digest_weekday"),
    ],
)
def test_impossible_choices_are_refused_beside_their_field(
    user: User, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        preferences_update(actor=ACTOR, user=user, values=values(**changes))
    assert refusal.value.field == field
    assert not AlertPreferences.objects.exists()


@pytest.mark.parametrize(
    ("kind", "gets_mail", "digest"),
    [
        (MailKind.INCIDENTS, False, "weekly"),
        (MailKind.DIGEST, True, "none"),
        (None, False, "none"),
    ],
)
def test_leaving_ends_the_mails_of_that_kind(
    user: User, kind: MailKind | None, gets_mail: bool, digest: str
) -> None:
    preferences_update(actor=ACTOR, user=user, values=VALUES)
    mails_leave(actor=ACTOR, user=user, kind=kind)
    row = preferences_get(user=user)
    assert (row.gets_mail, row.digest) == (gets_mail, digest)


# --- The link in a mail ---------------------------------------------------------
def link(user: User, kind: MailKind = MailKind.INCIDENTS) -> str:
    return f"/unsubscribe/{unsubscribe_token(user=user, kind=kind)}/"


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_changes_nothing(user: User, method: str) -> None:
    response = getattr(Client(), method)(link(user))
    assert response.status_code == 200
    assert preferences_get(user=user).gets_mail
    assert not AlertPreferences.objects.exists()


def test_opened_link_shows_a_button_that_posts(user: User) -> None:
    page = Client().get(link(user)).content.decode()
    assert '<form method="post"' in page
    assert "End these mails" in page
    assert user.email not in page


@pytest.mark.parametrize("kind", MailKind)
def test_mail_program_ends_the_mails_by_one_post_without_sign_in(
    user: User, kind: MailKind
) -> None:
    preferences_update(actor=ACTOR, user=user, values=VALUES)
    client = Client(enforce_csrf_checks=True)
    response = client.post(
        link(user, kind), "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    )
    assert response.status_code == 200
    assert "You get no more of these mails" in response.content.decode()
    row = preferences_get(user=user)
    assert row.gets_mail == (kind is MailKind.DIGEST)
    assert row.digest == ("weekly" if kind is MailKind.INCIDENTS else "none")
    assert AuditEvent.objects.filter(actor_name="Mona (mona@example.org)").count() == 1


def test_second_post_says_the_same_and_changes_nothing(user: User) -> None:
    for _ in range(2):
        assert Client().post(link(user)).status_code == 200
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("spoil", [lambda text: text[:-1], lambda text: "9" + text, lambda _: "x"])
def test_made_up_link_is_refused_and_changes_nothing(user: User, spoil: Any) -> None:
    token = spoil(unsubscribe_token(user=user, kind=MailKind.INCIDENTS))
    with pytest.raises(NotFound):
        unsubscribe_token_read(token)
    for response in (
        Client().get(f"/unsubscribe/{token}/"),
        Client().post(f"/unsubscribe/{token}/"),
    ):
        assert response.status_code == 404
        assert "This link does not work" in response.content.decode()
    assert not AlertPreferences.objects.exists()


def test_link_of_a_person_who_is_gone_is_refused(user: User) -> None:
    path = link(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert Client().post(path).status_code == 404


# --- The page -------------------------------------------------------------------
PAGE = "/profile/alerts/"
FORM = {
    "gets_mail": "yes",
    "quiet_from": "22:00",
    "quiet_until": "07:30",
    "digest": "daily",
    "digest_hour": "7",
    "digest_weekday": "0",
    "digest_skips_quiet": "no",
}


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="freddy_admin.accounts.auth.backends.PasswordBackend")
    return client


def test_page_stores_what_was_chosen_and_shows_it_again(user: User, client: Client) -> None:
    assert client.post(PAGE, FORM).status_code == 302
    row = preferences_get(user=user)
    assert (row.quiet_from, row.quiet_until) == (time(22), time(7, 30))
    assert (row.digest, row.digest_hour, row.digest_skips_quiet) == ("daily", 7, False)
    page = client.get(PAGE).content.decode()
    assert 'value="22:00"' in page
    assert '<option value="daily" selected>' in page
    assert '<option value="7" selected>07:00</option>' in page
    assert '<option value="no" selected>Always' in page


def test_page_refuses_half_a_quiet_time_beside_the_field(user: User, client: Client) -> None:
    response = client.post(PAGE, FORM | {"quiet_until": ""})
    assert response.status_code == 200
    assert "Give both times, or neither." in response.content.decode()
    assert not AlertPreferences.objects.exists()


def test_one_button_ends_all_mails(user: User, client: Client) -> None:
    client.post(PAGE, FORM)
    page = client.post(PAGE, {"leave": "1"}, follow=True).content.decode()
    assert "no more mails about incidents, and no digest" in page
    row = preferences_get(user=user)
    assert (row.gets_mail, row.digest) == (False, "none")


def test_page_shows_the_latest_mails_and_what_is_wrong_with_the_address(
    user: User, client: Client
) -> None:
    assert "None so far." in client.get(PAGE).content.decode()
    channel, now = person_channel_get(user), clock.now()
    channel.messages.create(
        kind="opened",
        state=DeliveryState.SENT,
        created_at=now,
        finished_at=now,
        body={"subject": "Alder <b>: Overdue"},
    )
    channel.messages.create(
        kind="resolved", state=DeliveryState.GIVEN_UP, created_at=now, reason="address_refused"
    )
    channel.messages.create(kind="reminder", state="of another version", created_at=now)
    page = client.get(PAGE).content.decode()
    assert "Alder &lt;b&gt;: Overdue" in page
    assert "Given up. The mail server refuses the person&#x27;s address." in page

    channel.failing_since = now
    channel.save()
    assert "Messages fail since" in client.get(PAGE).content.decode()
    channel.disabled_at, channel.disabled_reason = now, "address_refused"
    channel.save()
    page = client.get(PAGE).content.decode()
    assert "it was switched off. The mail server refuses the person&#x27;s address." in page

    page = client.post(PAGE, {"enable": "1"}, follow=True).content.decode()
    assert "sent to your address again" in page
    channel.refresh_from_db()
    assert channel.disabled_at is None
    assert "person_changed" in AuditEvent.objects.values_list("tag", flat=True)


def test_page_says_what_the_rules_of_today_send(
    user: User, client: Client, organisation: Organisation
) -> None:
    assert "None: you belong to no organisation." in client.get(PAGE).content.decode()
    membership = Membership.objects.create(
        user=user, organisation=organisation, role="viewer", created_at=clock.now()
    )
    assert "Alder: nothing, by its rules and your role." in client.get(PAGE).content.decode()
    membership.role = "manager"
    membership.save()
    assert "Alder: what needs action." in client.get(PAGE).content.decode()

    User.objects.filter(pk=user.pk).update(is_platform_admin=True)
    page = client.get(PAGE).content.decode()
    assert "What concerns many organisations at once, told once." in page
    for number, owner in enumerate((organisation, None)):
        AlertRule.objects.create(
            organisation=owner,
            name=f"Rule {number}",
            severity=Severity.WARNING if owner else Severity.ACTION_NEEDED,
            roles=["manager", "platform_admin"],
            created_at=clock.now(),
            created_by="Ana",
        )
    page = client.get(PAGE).content.decode()
    assert "Alder: what needs action, and warnings." in page
    assert "All organisations: what needs action." in page
    AlertRule.objects.filter(organisation=None).update(severity=Severity.WARNING)
    assert (
        "All organisations: what needs action, and warnings." in client.get(PAGE).content.decode()
    )
