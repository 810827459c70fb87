"""Sign-in and second factor: the library's pages that this panel opens, and no others."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path

from freddy_admin.accounts.second_factor.confirmation import confirmed_first
from freddy_admin.accounts.second_factor.views import RemovePasskeyView, confirmed
from freddy_admin.accounts.signing_in.views import (
    ChangePasswordView,
    PasskeyQuestionView,
    SignInView,
)
from freddy_admin.accounts.single_sign_on import views as single_sign_on

password = [
    path("change/", ChangePasswordView.as_view(), name="account_change_password"),
    path("reset/", account.password_reset, name="account_reset_password"),
    path("reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]

recovery_codes = [
    path("", confirmed_first(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "generate/",
        confirmed_first(recovery.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "download/",
        confirmed_first(recovery.download_recovery_codes, back="mfa_index", downloads=True),
        name="mfa_download_recovery_codes",
    ),
]

passkey = [
    path("", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("add/", confirmed_first(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("login/", login_not_required(PasskeyQuestionView.as_view()), name="mfa_login_webauthn"),
    path("reauthenticate/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("<int:pk>/rename/", confirmed_first(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path(
        "<int:pk>/remove/", confirmed_first(RemovePasskeyView.as_view()), name="mfa_remove_webauthn"
    ),
]

urlpatterns = [
    path("login/", SignInView.as_view(), name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("confirmed/", confirmed, name="account_confirmed"),
    path("single-sign-on/", single_sign_on.begin, name="single_sign_on"),
    path("single-sign-on/return/", single_sign_on.come_back, name="single_sign_on_return"),
    path("single-sign-on/confirm/", single_sign_on.confirm, name="account_confirm_elsewhere"),
    path("password/", include(password)),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/totp/activate/", confirmed_first(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", confirmed_first(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", include(recovery_codes)),
    path("2fa/passkeys/", include(passkey)),
]
