from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "freddy_admin.core"
    label = "core"
