from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "freddy_admin.audit"
    label = "audit"
