"""`manage.py restore FILE`: the database of a backup in the place of the present one."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from freddy_admin.ops.backup import backup_restore, settings_missing
from freddy_admin.ops.operator_command import OperatorCommand


class Command(OperatorCommand):
    """The former database is kept beside it; a file that is damaged changes nothing."""

    help = "Put a backup in the place of the database, with web and worker stopped."
    # What is there now may be of any version, or damaged.
    validates_database_version = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="what `backup` wrote")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        facts, former = backup_restore(path=file)
        self.write_line(
            _("Restored: %(keys)d API keys, as of %(moment)s.")
            % {"keys": facts.keys, "moment": facts.created_at[:16].replace("T", " ") + " UTC"}
        )
        if former:
            self.write_hint(
                _("The former database is kept: %(place)s. Remove it when you are sure.")
                % {"place": former}
            )
        missing = settings_missing(facts)
        if missing:
            self.write_hint(
                _("Set where the backup was made, and not set here: %(names)s.")
                % {"names": ", ".join(missing)}
            )
        self.write_hint(_("Run `manage.py doctor`: it says whether the master key fits."))
