from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "freddy_admin.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Listen to what the sign-in library reports."""
        from freddy_admin.accounts.signing_in import signals  # noqa: F401
