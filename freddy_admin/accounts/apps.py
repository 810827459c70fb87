from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "freddy_admin.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect the receivers of the sign-in library's signals; register what is mailed."""
        from freddy_admin.accounts.auth import password_reset, signals  # noqa: F401
