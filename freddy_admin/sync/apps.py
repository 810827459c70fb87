from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "freddy_admin.sync"
    label = "sync"

    def ready(self) -> None:
        """Register what pages show of this room's tables, and follow deleted and renamed keys."""
        from freddy_admin.core.view_changes import view_change_triggers_register
        from freddy_admin.sync.status import names, state_counts  # noqa: F401
        from freddy_admin.sync.view_change_triggers import VIEW_CHANGE_TRIGGERS

        view_change_triggers_register(*VIEW_CHANGE_TRIGGERS)
