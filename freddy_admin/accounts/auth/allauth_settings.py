"""allauth's settings that are the same in every installation."""

from datetime import timedelta

ACCOUNT_ADAPTER = "freddy_admin.accounts.auth.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "freddy_admin.accounts.auth.forms.ChangePasswordForm",
    "login": "freddy_admin.accounts.auth.forms.SignInForm",
    "reauthenticate": "freddy_admin.accounts.auth.forms.ReauthenticateWithPasswordForm",
    "reset_password": "freddy_admin.accounts.auth.forms.ResetPasswordForm",
    "reset_password_from_key": "freddy_admin.accounts.auth.forms.NewPasswordForm",
    "user_token": "freddy_admin.accounts.auth.forms.ResetLinkForm",
}
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # whoever creates a person vouches for the address
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=15).total_seconds())
# Counted before a password is hashed, see rate_limits. "sign_in" is every attempt, in place of
# allauth's "login"; "login_failed" are the wrong ones, and its key is the account together with the
# sender's address, so that guessing locks nobody else out. A browser that the person signed in with
# before is counted by itself: see known_devices.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "sign_in": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_anywhere": "100/h/key",
    "login_failed_device": "10/h/key",
    "code_failed": "5/5m/key",
    "code_failed_here": "10/m/ip",
    "code_failed_in_a_day": "100/d/key",
    "code_failed_device": "5/5m/key,20/d/key",
    "code_limit_told": "1/d/key",
    "passkey_asked": "60/m/ip",
    "reset_password": "20/m/ip,5/m/key,10/h/key",  # each of the ten mails is good for an hour
    "single_sign_on": "60/m/ip",  # on the way there and on the way back
}
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = "strict"
MFA_ADAPTER = "freddy_admin.accounts.auth.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "authenticate": "freddy_admin.accounts.mfa.throttle.AuthenticateWithCodeForm",
    "reauthenticate": "freddy_admin.accounts.mfa.throttle.ReauthenticateWithCodeForm",
    "activate_totp": "freddy_admin.accounts.mfa.forms.ActivateAuthenticatorAppForm",
    "deactivate_totp": "freddy_admin.accounts.mfa.forms.RemoveAuthenticatorAppForm",
    "add_webauthn": "freddy_admin.accounts.mfa.forms.AddPasskeyForm",
    "edit_webauthn": "freddy_admin.accounts.mfa.forms.RenamePasskeyForm",
    "authenticate_webauthn": "freddy_admin.accounts.mfa.forms.AuthenticateWithPasskeyForm",
    "login_webauthn": "freddy_admin.accounts.mfa.forms.SignInWithPasskeyForm",
    "reauthenticate_webauthn": "freddy_admin.accounts.mfa.forms.ReauthenticateWithPasskeyForm",
}
MFA_TOTP_ISSUER = "Freddy Admin"
