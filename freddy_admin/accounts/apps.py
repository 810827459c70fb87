from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "freddy_admin.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Listen to what the sign-in library reports."""
        from allauth.account.signals import password_changed, user_logged_in
        from allauth.usersessions import signals as library

        from freddy_admin.accounts.signing_in import signals  # noqa: F401

        # Sessions are noted by ours, on the panel's clock and without an address where there is
        # none; the library would write over that.
        user_logged_in.disconnect(library.on_user_logged_in)
        password_changed.disconnect(library.on_password_changed)
