from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "freddy_admin.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect the receivers of the sign-in library's signals."""
        from freddy_admin.accounts.auth import signals  # noqa: F401
