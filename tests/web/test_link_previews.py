"""Chat previews and mail scanners open links before people do: a link that works once still works.

They ask by GET and HEAD, without a cookie, and from other addresses.
"""

import pytest
from django.conf import LazySettings
from django.test import Client

from freddy_admin.accounts.auth.first_admin_setup_link import setup_link_create
from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from tests.accounts.test_password_reset import (
    PANEL,
    choose_new_password,
    mailed_reset_link,
    request_password_reset,
)
from tests.people import user_create
from tests.web.member_factories import create_invitation

pytestmark = pytest.mark.django_db
PERSON = {"name": "Nia Obi", "email": "nia@example.org", "password": "some-words-of-nia-7"}


def preview(path: str) -> None:
    """What programs do with a link in a message."""
    for agent in ("Slackbot-LinkExpanding 1.0", "Microsoft Office Outlook", "Barracuda"):
        headers = {"user-agent": agent, "purpose": "prefetch", "sec-purpose": "prefetch;prerender"}
        for method in ("head", "get", "options"):
            getattr(Client(), method)(path, headers=headers, follow=True)
        assert Client().get(path, headers=headers).status_code in {200, 302}


def test_invitation_that_a_scanner_opened_is_still_accepted(organisation: Organisation) -> None:
    _invitation, link = create_invitation(organisation, PERSON["email"])
    preview(f"/invitations/{link}/")
    assert not User.objects.filter(email=PERSON["email"]).exists()
    Client().post(f"/invitations/{link}/", PERSON)
    assert Membership.objects.get(user__email=PERSON["email"]).organisation == organisation


def test_reset_link_that_a_scanner_opened_still_sets_a_password(settings: LazySettings) -> None:
    settings.PANEL_URL = PANEL
    user = user_create("ada")
    user.set_password("former-words-11")
    user.save()
    request_password_reset(user.email)
    path = mailed_reset_link()
    preview(path)
    user.refresh_from_db()
    assert user.check_password("former-words-11")
    assert "Your password is changed" in choose_new_password(Client(), path)


def test_first_link_that_a_scanner_opened_still_makes_the_administrator() -> None:
    path = f"/first-visit/{setup_link_create()}/"
    preview(path)
    assert not User.objects.exists()
    Client().post(path, PERSON)
    assert User.objects.get().is_platform_admin
