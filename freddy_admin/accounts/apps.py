from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "freddy_admin.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect the receivers of the sign-in library's signals; register what is mailed."""
        from freddy_admin.accounts.auth import password_reset, signals  # noqa: F401
        from freddy_admin.accounts.view_change_triggers import VIEW_CHANGE_TRIGGERS
        from freddy_admin.core.view_changes import view_change_triggers_register

        view_change_triggers_register(*VIEW_CHANGE_TRIGGERS)
