from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "freddy_admin.audit"
    label = "audit"

    def ready(self) -> None:
        """Restore the triggers after each migration: a table that was rebuilt has lost them."""
        from freddy_admin.audit.append_only_triggers import append_only_triggers_restore

        post_migrate.connect(append_only_triggers_restore, sender=self, dispatch_uid="audit_guards")
