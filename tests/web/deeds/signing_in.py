"""Deeds on the sign-in library's pages: coming in and out, passwords, second factors."""

import json

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from tests.accounts.conftest import PASSWORD, code_now, set_up_second_factor
from tests.accounts.passkey import ADD, SIGN_IN, Passkey, add, asked_for
from tests.web.deeds.scene import Ask, Deed, Scene, on

NEW = "other-words-42"
FACTOR = "/accounts/2fa/"


def _sign_in(scene: Scene) -> Ask:
    person = scene.with_password("viewer")
    return Ask("/accounts/login/", {"login": person.email, "password": PASSWORD})


def _wrong_confirmation(scene: Scene) -> Ask:
    scene.with_password("viewer")
    return Ask("/accounts/reauthenticate/", {"password": "wrong"})


def _password(scene: Scene) -> Ask:
    scene.with_password("viewer")
    fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    return Ask("/accounts/password/change/", fields)


def _reset(scene: Scene) -> Ask:
    person = scene.with_password("viewer")
    link = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    led = scene.client("nobody").get(f"/accounts/password/reset/key/{link}/")
    return Ask(led["Location"], {"password1": NEW, "password2": NEW})


def _second_step(scene: Scene) -> Ask:
    person = scene.with_password("viewer")
    set_up_second_factor(person)
    fields = {"login": person.email, "password": PASSWORD}
    scene.client("nobody").post("/accounts/login/", fields)
    return Ask(f"{FACTOR}authenticate/", {"code": code_now()})


def _second_factor(path: str, **fields: str) -> Deed:
    tags = {"totp/deactivate/": ("second_factor_removed",) * 2}

    def ask(scene: Scene) -> Ask:
        set_up_second_factor(scene.people.viewer)
        return Ask(FACTOR + path, fields)

    return Deed("viewer", ask, tags.get(path, ("second_factor_changed",)), commits=True)


def _wrong_code(scene: Scene) -> Ask:
    set_up_second_factor(scene.people.viewer)
    return Ask(f"{FACTOR}reauthenticate/", {"code": "000000"})


def _totp(scene: Scene) -> Ask:
    page = scene.client("viewer").get(f"{FACTOR}totp/activate/")
    return Ask(f"{FACTOR}totp/activate/", {"code": code_now(page.context["form"].secret)})


def _passkey(scene: Scene, phone: Passkey) -> int:
    add(scene.client("viewer"), phone)
    return Authenticator.objects.get(type="webauthn").pk


def _passkey_add(scene: Scene) -> Ask:
    asked = scene.client("viewer").get(ADD).context["js_data"]["creation_options"]
    told = json.dumps(Passkey().made(asked))
    return Ask(ADD, {"name": "Phone", "passwordless": "on", "credential": told})


def _passkey_in(scene: Scene) -> Ask:
    phone = Passkey()
    _passkey(scene, phone)
    options = asked_for(scene.client("nobody"))
    shown = phone.shown(options, person=scene.people.viewer.pk)
    return Ask(SIGN_IN, {"credential": json.dumps(shown)})


def _passkey_wrong(scene: Scene) -> Ask:
    _passkey(scene, Passkey())
    page = f"{FACTOR}passkeys/reauthenticate/"
    scene.client("viewer").get(page)
    return Ask(page, {"credential": json.dumps({"response": {}})})


def _passkey_rename(scene: Scene) -> Ask:
    return Ask(f"{FACTOR}passkeys/{_passkey(scene, Passkey())}/rename/", {"name": "Key ring"})


def _passkey_remove(scene: Scene) -> Ask:
    return Ask(f"{FACTOR}passkeys/{_passkey(scene, Passkey())}/remove/")


def _linked(scene: Scene, who: str) -> int:
    person = scene.person(who)
    assert person is not None
    SocialAccount.objects.create(
        user=person, provider="https://login.example", uid="1", extra_data={}
    )
    return person.pk


def _unlink(scene: Scene) -> Ask:
    _linked(scene, "viewer")
    return Ask("/profile/single-sign-on/unlink/")


def _person_unlink(scene: Scene) -> Ask:
    return Ask(f"/people/{_linked(scene, 'viewer')}/unlink/")


SIGNING_IN = {
    "single_sign_on_unlink": Deed("viewer", _unlink, ("single_sign_on_unlinked",)),
    "person_unlink": Deed("admin", _person_unlink, ("single_sign_on_unlinked",)),
    "account_login": Deed("nobody", _sign_in, ("signed_in",), actor="viewer"),
    "account_logout": Deed("viewer", on("/accounts/logout/"), ("signed_out",)),
    "account_reauthenticate": Deed("viewer", _wrong_confirmation, ("confirmation_failed",)),
    "account_change_password": Deed("viewer", _password, ("password_changed",)),
    "account_reset_password_from_key": Deed(
        "nobody", _reset, ("password_changed",), actor="viewer"
    ),
    "mfa_authenticate": Deed("nobody", _second_step, ("signed_in",), actor="viewer"),
    "mfa_reauthenticate": Deed("viewer", _wrong_code, ("confirmation_failed",)),
    "mfa_activate_totp": Deed("viewer", _totp, ("second_factor_added",) * 2, commits=True),
    "mfa_deactivate_totp": _second_factor("totp/deactivate/"),
    "mfa_generate_recovery_codes": _second_factor("recovery-codes/generate/"),
    "mfa_add_webauthn": Deed("viewer", _passkey_add, ("second_factor_added",) * 2, commits=True),
    "mfa_login_webauthn": Deed("nobody", _passkey_in, ("signed_in",), actor="viewer"),
    "mfa_reauthenticate_webauthn": Deed("viewer", _passkey_wrong, ("confirmation_failed",)),
    "mfa_edit_webauthn": Deed("viewer", _passkey_rename, ("second_factor_changed",)),
    "mfa_remove_webauthn": Deed("viewer", _passkey_remove, ("second_factor_removed",) * 2),
}
