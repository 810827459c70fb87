from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "freddy_admin.audit"
    label = "audit"

    def ready(self) -> None:
        """A table that a migration made anew has lost its triggers."""
        from freddy_admin.audit.guards import guards_after_migrate

        post_migrate.connect(guards_after_migrate, sender=self, dispatch_uid="audit_guards")
