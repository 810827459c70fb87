from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "freddy_admin.vault"
    label = "vault"

    def ready(self) -> None:
        """Register what pages show of this room's tables."""
        from freddy_admin.core.view_changes import view_change_triggers_register
        from freddy_admin.vault.view_change_triggers import VIEW_CHANGE_TRIGGERS

        view_change_triggers_register(*VIEW_CHANGE_TRIGGERS)
