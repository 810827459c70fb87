"""Sign-in and second factor: the library's pages that this panel opens, and no others."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.auth.views import (
    ChangePasswordView,
    PasskeyChallengeView,
    RemoveAuthenticatorAppView,
    RemovePasskeyView,
    SignInView,
    pending_request_resume_view,
)
from freddy_admin.accounts.oidc import views as oidc_views

after_reauthentication = reauthentication_required()
download_after_reauthentication = reauthentication_required(
    return_view="mfa_index", is_download=True
)

password_urls = [
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

recovery_codes_urls = [
    path("", after_reauthentication(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "generate/",
        after_reauthentication(recovery.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "download/",
        download_after_reauthentication(recovery.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
]

passkey_urls = [
    path("", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("add/", after_reauthentication(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("login/", login_not_required(PasskeyChallengeView.as_view()), name="mfa_login_webauthn"),
    path("reauthenticate/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path(
        "<int:pk>/rename/",
        after_reauthentication(passkeys.edit_webauthn),
        name="mfa_edit_webauthn",
    ),
    path(
        "<int:pk>/remove/",
        after_reauthentication(RemovePasskeyView.as_view()),
        name="mfa_remove_webauthn",
    ),
]

urlpatterns = [
    path("login/", SignInView.as_view(), name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("confirmed/", pending_request_resume_view, name="account_resume_request"),
    path("single-sign-on/", oidc_views.oidc_login_view, name="oidc_login"),
    path("single-sign-on/return/", oidc_views.oidc_callback_view, name="oidc_callback"),
    path(
        "single-sign-on/confirm/",
        oidc_views.oidc_reauthenticate_view,
        name="oidc_reauthenticate",
    ),
    path("password/", include(password_urls)),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path(
        "2fa/totp/activate/",
        after_reauthentication(totp.activate_totp),
        name="mfa_activate_totp",
    ),
    path(
        "2fa/totp/deactivate/",
        after_reauthentication(RemoveAuthenticatorAppView.as_view()),
        name="mfa_deactivate_totp",
    ),
    path("2fa/recovery-codes/", include(recovery_codes_urls)),
    path("2fa/passkeys/", include(passkey_urls)),
]
