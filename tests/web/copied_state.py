"""A panel in use, with each kind of secret that somebody may have at that moment."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import admin_create, person_ensure
from freddy_admin.accounts.signing_in.first_visit import first_link_make
from freddy_admin.accounts.signing_in.resets import resets_send_due
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.organisations.invitation_mail import invitations_send_due
from freddy_admin.organisations.invitations import invitation_create
from freddy_admin.organisations.services import organisation_create
from tests.accounts.conftest import ACTOR, PASSWORD, SECRET, code_now, opened, set_up_second_factor
from tests.accounts.passkey import ADD, asked_for, browser

Secrets = dict[str, str]
COOKIE = "sessionid"


def panel_in_use() -> Secrets:
    """What people of a busy panel hold, by what it is; the doors they open are in `doors`."""
    admin = admin_create(actor=ACTOR, email="admin@example.org", password=PASSWORD)
    ada = person_ensure(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]
    found = {"a password": PASSWORD} | _invited()
    return found | _admin(admin, found["an invitation"]) | _setting_up(ada) | _reset(ada)


def single_sign_on_begun(to: str) -> Secrets:
    """Somebody is at the provider's, and comes back to this address."""
    client = _browser()
    asked = client.get("/accounts/single-sign-on/", {"next": to})["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked).query).items()}
    (attempt,) = client.session["socialaccount_states"].values()
    return {
        "a session at the provider's": _cookie(client),
        "a state": query["state"],
        "a nonce": query["nonce"],
        "a verifier": attempt[0]["verifier"],
    }


def first_visit_begun() -> Secrets:
    """An empty panel, whose link was opened and not used."""
    token = first_link_make()
    assert _browser().get(f"/first-visit/{token}/").status_code == 200
    return {"a first visit": token}


def _invited() -> Secrets:
    place = organisation_create(name="Alder", actor=ACTOR)
    invitation_create(organisation=place, actor=ACTOR, email="nia@example.org", role="operator")
    invitations_send_due()
    token = _mailed(r"/invitations/([\w-]+)/")
    assert _browser().get(f"/invitations/{token}/").status_code == 200
    return {"an invitation": token}


def _admin(admin: User, invitation: str) -> Secrets:
    set_up_second_factor(admin)
    here, half = _browser(), _browser()
    _sign_in(half, admin, next=f"/invitations/{invitation}/")
    assert half.get("/accounts/2fa/authenticate/").status_code == 200
    _sign_in(here, admin)
    here.post("/accounts/2fa/authenticate/", {"code": code_now()})
    for path in ("/", "/profile/", "/profile/sessions/", "/system/"):
        assert here.get(path).status_code == 200
    token = api_token_create(actor=ACTOR, user=admin, name="script")
    bearer = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/statuses", headers=bearer).status_code == 200
    factors = Authenticator.objects.filter(user=admin, type="recovery_codes")
    return {
        "a session of an admin": _cookie(here),
        "a session half-way": _cookie(half),
        "a known device": here.cookies["known-device"].value,
        "a panel token": token,
        "a second factor": SECRET,
        "recovery codes": opened(factors.get().data["seed"]),
    }


def _setting_up(ada: User) -> Secrets:
    here, visitor = _browser(), browser()
    _sign_in(here, ada)
    secret = here.get("/accounts/2fa/totp/activate/").context["form"].secret
    options = here.get(ADD).context["js_data"]["creation_options"]
    # Asked once more who they are, with something to do afterwards.
    here.get("/accounts/reauthenticate/?next=/profile/")
    return {
        "a session of a member": _cookie(here),
        "a second factor being set up": secret,
        "a passkey's challenge": options["publicKey"]["challenge"],
        "a visitor's challenge": asked_for(visitor)["publicKey"]["challenge"],
        "a visitor's session": _cookie(visitor),
    }


def _reset(ada: User) -> Secrets:
    asker, reader = _browser(), _browser()
    asker.post("/accounts/password/reset/", {"email": ada.email})
    resets_send_due()
    path = _mailed(r"(/accounts/password/reset/key/\S+)")
    assert reader.get(path, follow=True).status_code == 200
    asker.post("/accounts/password/reset/", {"email": ada.email})
    return {"a reset link": path.split("-", 1)[1].strip("/"), "a reset's session": _cookie(reader)}


def _mailed(shape: str) -> str:
    (found,) = re.findall(shape, str(mail.outbox[-1].body))
    return str(found)


def _browser() -> Client:
    # The host that passkeys belong to.
    return browser()


def _sign_in(client: Client, user: User, **more: str) -> Any:
    fields = {"login": user.email, "password": PASSWORD, **more}
    assert client.post("/accounts/login/", fields).status_code == 302


def _cookie(client: Client) -> str:
    return str(client.cookies[COOKIE].value)
