"""`manage.py backup FILE`: the whole database in one file, while the panel runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from freddy_admin.ops.backup import backup_create
from freddy_admin.ops.operator_command import OperatorCommand


class Command(OperatorCommand):
    """The file appears whole or not at all, and never in the place of another one."""

    help = "Write a backup of the database into FILE; settings are named in it, never stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="a file that does not exist yet"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        facts = backup_create(path=file)
        self.write_line(
            _("Backup written: %(file)s, %(keys)d API keys, %(size).1f MB.")
            % {"file": file, "keys": facts.keys, "size": file.stat().st_size / 1_000_000}
        )
        self.write_hint(
            _(
                "Keep ENCRYPTION_KEYS and SECRET_KEY in another place than this file: it does not "
                "hold them, and without them no key in it can be opened."
            )
        )
