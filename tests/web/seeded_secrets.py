"""A panel in use, with each kind of secret that somebody may hold at one moment."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.accounts.auth.first_admin_setup_link import setup_link_create
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import admin_create, person_get_or_create
from freddy_admin.organisations.invitations import invitation_create
from freddy_admin.organisations.services import organisation_create
from tests.accounts.conftest import (
    ACTOR,
    PASSWORD,
    SECRET,
    current_totp_code,
    decrypt_second_factor,
    set_up_second_factor,
)
from tests.accounts.virtual_passkey import ADD_PATH, localhost_client, passkey_request_options
from tests.mails import due_mails_send

Secrets = dict[str, str]
SESSION_COOKIE = "sessionid"


def seed_panel_secrets() -> Secrets:
    """The secrets that people of a busy panel hold, by kind; `credential_checks` tries them."""
    admin = admin_create(actor=ACTOR, email="admin@example.org", password=PASSWORD)
    ada = person_get_or_create(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]
    secrets = {"a password": PASSWORD} | _seed_invitation_secret()
    return (
        secrets
        | _seed_admin_secrets(admin, secrets["an invitation"])
        | _seed_mfa_setup_secrets(ada)
        | _seed_reset_secrets(ada)
    )


def seed_oidc_attempt_secrets(to: str) -> Secrets:
    """The secrets of a single sign-on in progress, which returns to `to`."""
    client = _create_browser()
    authorize_url = client.get("/accounts/single-sign-on/", {"next": to})["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()}
    (attempt,) = client.session["socialaccount_states"].values()
    return {
        "a session at the provider's": _session_cookie_value(client),
        "a state": query["state"],
        "a nonce": query["nonce"],
        "a verifier": attempt[0]["verifier"],
    }


def seed_setup_link_secret() -> Secrets:
    """The set-up link of an empty panel, opened and not used."""
    token = setup_link_create()
    assert _create_browser().get(f"/first-visit/{token}/").status_code == 200
    return {"a first visit": token}


def _seed_invitation_secret() -> Secrets:
    organisation = organisation_create(name="Alder", actor=ACTOR)
    invitation_create(
        organisation=organisation, actor=ACTOR, email="nia@example.org", role="operator"
    )
    due_mails_send()
    token = _find_in_last_mail(r"/invitations/([\w-]+)/")
    assert _create_browser().get(f"/invitations/{token}/").status_code == 200
    return {"an invitation": token}


def _seed_admin_secrets(admin: User, invitation: str) -> Secrets:
    set_up_second_factor(admin)
    browser, half_signed_in = _create_browser(), _create_browser()
    _sign_in(half_signed_in, admin, next=f"/invitations/{invitation}/")
    assert half_signed_in.get("/accounts/2fa/authenticate/").status_code == 200
    _sign_in(browser, admin)
    browser.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    for path in ("/", "/profile/", "/profile/sessions/", "/system/"):
        assert browser.get(path).status_code == 200
    token = api_token_create(actor=ACTOR, user=admin, name="script")
    bearer = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/statuses", headers=bearer).status_code == 200
    factors = Authenticator.objects.filter(user=admin, type="recovery_codes")
    return {
        "a session of an admin": _session_cookie_value(browser),
        "a session half-way": _session_cookie_value(half_signed_in),
        "a known device": browser.cookies["known-device"].value,
        "a panel token": token,
        "a second factor": SECRET,
        "recovery codes": decrypt_second_factor(factors.get().data["seed"]),
    }


def _seed_mfa_setup_secrets(ada: User) -> Secrets:
    browser, visitor = _create_browser(), localhost_client()
    _sign_in(browser, ada)
    secret = browser.get("/accounts/2fa/totp/activate/").context["form"].secret
    options = browser.get(ADD_PATH).context["js_data"]["creation_options"]
    # Asked once more who they are, with something to do afterwards.
    browser.get("/accounts/reauthenticate/?next=/profile/")
    return {
        "a session of a member": _session_cookie_value(browser),
        "a second factor being set up": secret,
        "a passkey's challenge": options["publicKey"]["challenge"],
        "a visitor's challenge": passkey_request_options(visitor)["publicKey"]["challenge"],
        "a visitor's session": _session_cookie_value(visitor),
    }


def _seed_reset_secrets(ada: User) -> Secrets:
    asker, reader = _create_browser(), _create_browser()
    asker.post("/accounts/password/reset/", {"email": ada.email})
    due_mails_send()
    path = _find_in_last_mail(r"(/accounts/password/reset/key/\S+)")
    assert reader.get(path, follow=True).status_code == 200
    asker.post("/accounts/password/reset/", {"email": ada.email})
    return {
        "a reset link": path.split("-", 1)[1].strip("/"),
        "a reset's session": _session_cookie_value(reader),
    }


def _find_in_last_mail(shape: str) -> str:
    (match,) = re.findall(shape, str(mail.outbox[-1].body))
    return str(match)


def _create_browser() -> Client:
    # The host that passkeys belong to.
    return localhost_client()


def _sign_in(client: Client, user: User, **more: str) -> Any:
    fields = {"login": user.email, "password": PASSWORD, **more}
    assert client.post("/accounts/login/", fields).status_code == 302


def _session_cookie_value(client: Client) -> str:
    return str(client.cookies[SESSION_COOKIE].value)
