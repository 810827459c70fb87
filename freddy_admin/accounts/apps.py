from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "freddy_admin.accounts"
    label = "accounts"
