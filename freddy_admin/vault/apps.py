from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "freddy_admin.vault"
    label = "vault"
