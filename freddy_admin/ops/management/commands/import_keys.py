"""`manage.py import_keys FILE.csv [--dry-run]`: all of the file, or nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.operator_command import OperatorCommand, usage_error
from freddy_admin.organisations.selectors import similar_organisation_names
from freddy_admin.organisations.services import organisations_ensure
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.vault.key_import_csv import (
    COLUMNS,
    EXTRA_COLUMNS,
    CsvRow,
    csv_file_add_problems,
    csv_file_parse,
)
from freddy_admin.vault.key_import_owners import owner_problem, row_owners_find
from freddy_admin.vault.services.bulk_import import (
    ImportOutcome,
    ImportResult,
    ImportRow,
    api_keys_import,
)
from freddy_admin.wording.imports import import_line

_MAX_SIMILAR_NAMES: Final = 20


@sensitive_variables()
def rows_import(
    rows: Sequence[CsvRow], owners: Mapping[int, User], *, dry_run: bool = False
) -> list[ImportResult]:
    """Store the keys and have them checked; a result per row. A dry run stores nothing.

    `owners` are by the number of the row.
    """
    names = list(dict.fromkeys(row.organisation for row in rows))
    with transaction.atomic():
        organisations = organisations_ensure(actor=OPERATOR, names=names)
        results = api_keys_import(
            actor=OPERATOR,
            rows=[
                ImportRow(
                    organisation=organisations[row.organisation],
                    label=row.label,
                    secret=row.secret,
                    organization_id=row.organization_id,
                    tags=row.tags,
                    environment=row.environment,
                    owner=owners.get(row.number),
                    expires_on=row.expires_on,
                    grace_minutes=row.grace_minutes,
                )
                for row in rows
            ],
        )
        new_keys = [result.key for result in results if result.key is not None]
        key_monitoring_start(keys=new_keys, actor=OPERATOR)
        transaction.set_rollback(dry_run)
    return results


class Command(OperatorCommand):
    """A report line per row on stdout; exit code 1, and nothing saved, if a row is malformed."""

    help = (
        f"Import API keys from a CSV file with the columns {','.join(COLUMNS)}, and any of "
        f"{','.join(EXTRA_COLUMNS)} behind them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv")
        parser.add_argument("--dry-run", action="store_true", help="report, but save nothing")

    @sensitive_variables()
    def handle(self, *args: Any, file: str, dry_run: bool, **options: Any) -> None:
        try:
            data = Path(file).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or _("no such name")
            raise usage_error(
                _("%(file)s cannot be read: %(reason)s.") % {"file": file, "reason": reason}
            ) from None
        csv_file = csv_file_parse(data)
        owners = row_owners_find(csv_file.valid_rows)
        csv_file = csv_file_add_problems(
            csv_file,
            {
                row.number: owner_problem()
                for row in csv_file.valid_rows
                if row.owner and row.number not in owners
            },
        )
        if csv_file.malformed_count:
            self.write_line("\n".join(map(str, csv_file.lines)))
            raise CommandError(
                _("Nothing was saved: %(count)d of %(all)d rows are malformed.")
                % {"count": csv_file.malformed_count, "all": len(csv_file.lines)}
            )
        self._write_similar_names(csv_file.rows)
        results = rows_import(csv_file.rows, owners, dry_run=dry_run)
        lines = (
            str(import_line(line.location, result, environment=row.environment, dry_run=dry_run))
            for line, row, result in zip(csv_file.lines, csv_file.rows, results, strict=True)
        )
        self.write_line("\n".join(lines) or _("The file holds no rows."))
        summary = (
            _("A dry run, nothing was saved: %(added)d would be added, %(here)d are here.")
            if dry_run
            else _("%(added)d added, %(here)d were here already. The worker checks new keys now.")
        )
        outcomes = Counter(result.outcome for result in results)
        added, here = outcomes[ImportOutcome.ADDED], outcomes[ImportOutcome.ALREADY_EXISTS]
        self.write_hint(summary % {"added": added, "here": here})

    def _write_similar_names(self, rows: Sequence[CsvRow]) -> None:
        similar_names = similar_organisation_names(names=[row.organisation for row in rows])
        for name, other_name in list(similar_names.items())[:_MAX_SIMILAR_NAMES]:
            hint = _("“%(name)s” is a new organisation beside “%(other)s”, nearly the same name.")
            self.write_hint(hint % {"name": name, "other": other_name})
