from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "freddy_admin.ops"
    label = "ops"
