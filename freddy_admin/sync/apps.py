from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "freddy_admin.sync"
    label = "sync"
