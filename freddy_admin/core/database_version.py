"""Whether this version of the panel may use the database: a newer one may have migrated it.

A migration that this code does not know may have renamed or removed what it reads and writes, so
whatever starts with such a database is refused. A migration after which older code still works
says so by `ReadableSince` among its operations: a row of `core_readablemigration`, written in the
migration's own transaction. Then web and worker of the version before may run, and be restarted,
while one after the other is replaced by the new version.

Nothing here uses a model: it has to work before any of them fits the tables.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from freddy_admin.core.errors import PublicError

# Apps of former versions, whose rows stay in the table of migrations.
FORMER_APPS: Final = frozenset({"usersessions"})
_TABLE: Final = "core_readablemigration"
MigrationKey = tuple[str, str]  # the label of the app, the name of the migration


class DatabaseTooNew(PublicError):
    """A newer version migrated the database, and did not mark it as readable for this one."""

    reference = "E014"
    http_status = 503

    def __init__(self, migration: MigrationKey) -> None:
        super().__init__(
            _(
                "The database was migrated by a newer version of Freddy Admin: this one, "
                "%(version)s, does not know its migration %(migration)s. Start the newer version, "
                'or go back as "Back to" in its docs/operations.md says before you start this one.'
            )
            % {"version": settings.VERSION, "migration": ".".join(migration)}
        )


class ReadableSince(Operation):
    """Marks a migration: code of `version` and later works with the database after it.

    Stands in that migration itself, or beside it where the migration is a library's.
    """

    reversible = True
    reduces_to_sql = False

    def __init__(self, version: str, *, app: str, name: str) -> None:
        self.version, self.app, self.name = version, app, name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Models stay as they are."""

    def database_forwards(self, app_label: str, schema_editor: Any, *_states: Any) -> None:
        """Write the mark."""
        self.database_backwards(app_label, schema_editor)
        schema_editor.execute(
            f"INSERT INTO {_TABLE} (app, name, since) VALUES (%s, %s, %s)",  # noqa: S608  # nosec B608
            [self.app, self.name, self.version],
        )

    def database_backwards(self, app_label: str, schema_editor: Any, *_states: Any) -> None:
        """Take the mark away."""
        schema_editor.execute(
            f"DELETE FROM {_TABLE} WHERE app = %s AND name = %s",  # noqa: S608  # nosec B608
            [self.app, self.name],
        )

    def describe(self) -> str:
        """What `migrate --plan` says of it."""
        return f"Mark {self.app}.{self.name} as readable since {self.version}"


def database_version_validate() -> None:
    """Raises DatabaseTooNew where the database is not for this version; else a database's error."""
    unknown = sorted(
        key for key in MigrationRecorder(connection).applied_migrations() if not _is_known(*key)
    )
    marks = _readable_since_by_migration() if unknown else {}
    own_version = _parse_version(settings.VERSION)
    for key in unknown:
        since = _parse_version(marks.get(key, ""))
        if since is None or own_version is None or own_version < since:
            raise DatabaseTooNew(key)


def migrations_validate_known(migrations: Iterable[MigrationKey]) -> None:
    """Raises DatabaseTooNew where this code does not know one of these migrations."""
    for key in sorted(migrations):
        if not _is_known(*key):
            raise DatabaseTooNew(key)


def _is_known(app: str, name: str) -> bool:
    try:
        package = apps.get_app_config(app).name
    except LookupError:
        return app in FORMER_APPS
    try:
        return find_spec(f"{package}.migrations.{name}") is not None
    except ModuleNotFoundError:
        return False


def _readable_since_by_migration() -> dict[MigrationKey, str]:
    with connection.cursor() as cursor:
        if _TABLE not in connection.introspection.table_names(cursor):
            return {}
        cursor.execute(f"SELECT app, name, since FROM {_TABLE}")  # noqa: S608  # nosec B608
        return {(app, name): since for app, name, since in cursor.fetchall()}


def _parse_version(text: str) -> tuple[int, ...] | None:
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None
