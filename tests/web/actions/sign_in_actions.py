"""Actions on allauth's pages: signing in and out, passwords, second factors."""

import json

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from tests.accounts.conftest import PASSWORD, current_totp_code, set_up_second_factor
from tests.accounts.virtual_passkey import (
    ADD_PATH,
    SIGN_IN_PATH,
    VirtualPasskey,
    passkey_add,
    passkey_request_options,
)
from tests.web.actions.scenario import ActionRequest, Scenario, UserAction, request_to

NEW_PASSWORD = "other-words-42"
MFA_URL = "/accounts/2fa/"


def _sign_in_request(scene: Scenario) -> ActionRequest:
    person = scene.with_password("viewer")
    return ActionRequest("/accounts/login/", {"login": person.email, "password": PASSWORD})


def _wrong_reauthentication_request(scene: Scenario) -> ActionRequest:
    scene.with_password("viewer")
    return ActionRequest("/accounts/reauthenticate/", {"password": "wrong"})


def _password_change_request(scene: Scenario) -> ActionRequest:
    scene.with_password("viewer")
    fields = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    return ActionRequest("/accounts/password/change/", fields)


def _password_reset_request(scene: Scenario) -> ActionRequest:
    person = scene.with_password("viewer")
    link = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    response = scene.client("nobody").get(f"/accounts/password/reset/key/{link}/")
    return ActionRequest(
        response["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    )


def _second_factor_request(scene: Scenario) -> ActionRequest:
    person = scene.with_password("viewer")
    set_up_second_factor(person)
    fields = {"login": person.email, "password": PASSWORD}
    scene.client("nobody").post("/accounts/login/", fields)
    return ActionRequest(f"{MFA_URL}authenticate/", {"code": current_totp_code()})


def _second_factor_action(path: str, **fields: str) -> UserAction:
    tags = {"totp/deactivate/": ("second_factor_removed",) * 2}

    def build_request(scene: Scenario) -> ActionRequest:
        set_up_second_factor(scene.people.viewer)
        return ActionRequest(MFA_URL + path, fields)

    return UserAction(
        "viewer",
        build_request,
        tags.get(path, ("second_factor_changed",)),
        is_recorded_on_commit=True,
    )


def _wrong_code_request(scene: Scenario) -> ActionRequest:
    set_up_second_factor(scene.people.viewer)
    return ActionRequest(f"{MFA_URL}reauthenticate/", {"code": "000000"})


def _totp_activate_request(scene: Scenario) -> ActionRequest:
    page = scene.client("viewer").get(f"{MFA_URL}totp/activate/")
    return ActionRequest(
        f"{MFA_URL}totp/activate/", {"code": current_totp_code(page.context["form"].secret)}
    )


def _create_passkey(scene: Scenario, phone: VirtualPasskey) -> int:
    passkey_add(scene.client("viewer"), phone)
    return Authenticator.objects.get(type="webauthn").pk


def _passkey_add_request(scene: Scenario) -> ActionRequest:
    creation_options = scene.client("viewer").get(ADD_PATH).context["js_data"]["creation_options"]
    credential = json.dumps(VirtualPasskey().registration_response(creation_options))
    return ActionRequest(
        ADD_PATH, {"name": "Phone", "passwordless": "on", "credential": credential}
    )


def _passkey_sign_in_request(scene: Scenario) -> ActionRequest:
    phone = VirtualPasskey()
    _create_passkey(scene, phone)
    options = passkey_request_options(scene.client("nobody"))
    credential = phone.authentication_response(options, person=scene.people.viewer.pk)
    return ActionRequest(SIGN_IN_PATH, {"credential": json.dumps(credential)})


def _wrong_passkey_request(scene: Scenario) -> ActionRequest:
    _create_passkey(scene, VirtualPasskey())
    page = f"{MFA_URL}passkeys/reauthenticate/"
    scene.client("viewer").get(page)
    return ActionRequest(page, {"credential": json.dumps({"response": {}})})


def _passkey_rename_request(scene: Scenario) -> ActionRequest:
    return ActionRequest(
        f"{MFA_URL}passkeys/{_create_passkey(scene, VirtualPasskey())}/rename/",
        {"name": "Key ring"},
    )


def _passkey_remove_request(scene: Scenario) -> ActionRequest:
    return ActionRequest(f"{MFA_URL}passkeys/{_create_passkey(scene, VirtualPasskey())}/remove/")


def _linked(scene: Scenario, role: str) -> int:
    person = scene.person(role)
    assert person is not None
    SocialAccount.objects.create(
        user=person, provider="https://login.example", uid="1", extra_data={}
    )
    return person.pk


def _unlink(scene: Scenario) -> ActionRequest:
    _linked(scene, "viewer")
    return ActionRequest("/profile/single-sign-on/unlink/")


def _person_unlink(scene: Scenario) -> ActionRequest:
    return ActionRequest(f"/people/{_linked(scene, 'viewer')}/unlink/")


SIGNING_IN = {
    "single_sign_on_unlink": UserAction("viewer", _unlink, ("single_sign_on_unlinked",)),
    "person_unlink": UserAction("admin", _person_unlink, ("single_sign_on_unlinked",)),
    "account_login": UserAction("nobody", _sign_in_request, ("signed_in",), actor="viewer"),
    "account_logout": UserAction("viewer", request_to("/accounts/logout/"), ("signed_out",)),
    "account_reauthenticate": UserAction(
        "viewer", _wrong_reauthentication_request, ("confirmation_failed",)
    ),
    "account_change_password": UserAction(
        "viewer", _password_change_request, ("password_changed",)
    ),
    "account_reset_password_from_key": UserAction(
        "nobody", _password_reset_request, ("password_changed",), actor="viewer"
    ),
    "mfa_authenticate": UserAction(
        "nobody", _second_factor_request, ("signed_in",), actor="viewer"
    ),
    "mfa_reauthenticate": UserAction("viewer", _wrong_code_request, ("confirmation_failed",)),
    "mfa_activate_totp": UserAction(
        "viewer", _totp_activate_request, ("second_factor_added",) * 2, is_recorded_on_commit=True
    ),
    "mfa_deactivate_totp": _second_factor_action("totp/deactivate/"),
    "mfa_generate_recovery_codes": _second_factor_action("recovery-codes/generate/"),
    "mfa_add_webauthn": UserAction(
        "viewer", _passkey_add_request, ("second_factor_added",) * 2, is_recorded_on_commit=True
    ),
    "mfa_login_webauthn": UserAction(
        "nobody", _passkey_sign_in_request, ("signed_in",), actor="viewer"
    ),
    "mfa_reauthenticate_webauthn": UserAction(
        "viewer", _wrong_passkey_request, ("confirmation_failed",)
    ),
    "mfa_edit_webauthn": UserAction("viewer", _passkey_rename_request, ("second_factor_changed",)),
    "mfa_remove_webauthn": UserAction(
        "viewer", _passkey_remove_request, ("second_factor_removed",) * 2
    ),
}
