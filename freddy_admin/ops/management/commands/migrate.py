"""`manage.py migrate`: Django's own, which would pass over migrations of a newer version."""

from django.core.checks import Tags
from django.core.management.commands import migrate

from freddy_admin.ops.operator_command import OperatorCommand


class Command(OperatorCommand, migrate.Command):
    """Refused, as every command is, where a newer version has migrated the database."""

    requires_system_checks = [Tags.database]
