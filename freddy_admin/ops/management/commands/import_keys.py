"""`manage.py import_keys FILE.csv [--dry-run]`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.ops.key_import import KeyImportReport, key_file_import
from freddy_admin.ops.operator_command import OperatorCommand, usage_error
from freddy_admin.vault.key_import_csv import COLUMNS


class Command(OperatorCommand):
    """A report line per row on stdout; exit code 1, and nothing saved, if a row is malformed."""

    help = f"Import API keys from a CSV file with the columns {','.join(COLUMNS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")
        parser.add_argument("--dry-run", action="store_true", help="report, but save nothing")

    @sensitive_variables("data")
    def handle(self, *args: Any, file: str, dry_run: bool, **options: Any) -> None:
        try:
            data = Path(file).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or _("no such name")
            raise usage_error(
                _("%(file)s cannot be read: %(reason)s.") % {"file": file, "reason": reason}
            ) from None
        report = key_file_import(data, dry_run=dry_run)
        self.write_line("\n".join(report.lines) or _("The file holds no rows."))
        self._write_summary(report, dry_run=dry_run)

    def _write_summary(self, report: KeyImportReport, *, dry_run: bool) -> None:
        if report.malformed:
            raise CommandError(
                _("Nothing was saved: %(count)d of %(all)d rows are malformed.")
                % {"count": report.malformed, "all": len(report.lines)}
            )
        counts = {"added": report.added, "here": report.already_here}
        if dry_run:
            self.write_hint(
                _("A dry run, nothing was saved: %(added)d would be added, %(here)d are here.")
                % counts
            )
        else:
            self.write_hint(
                _("%(added)d added, %(here)d were here already. The worker checks new keys now.")
                % counts
            )
