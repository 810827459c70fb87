"""Imports a file of keys: all of it, or nothing."""

from collections import Counter
from dataclasses import dataclass

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.services import organisations_ensure
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.vault.key_import_csv import CsvRow, csv_file_parse
from freddy_admin.vault.services.bulk_import import (
    ImportOutcome,
    ImportResult,
    ImportRow,
    api_keys_import,
)
from freddy_admin.wording.imports import import_line


@dataclass(frozen=True, slots=True)
class KeyImportReport:
    """A line per row, in the order of the file, and the counts."""

    lines: tuple[str, ...]
    malformed: int
    added: int = 0
    already_here: int = 0


@sensitive_variables()
def key_file_import(data: bytes, *, dry_run: bool) -> KeyImportReport:
    """Read and store; with `dry_run`, or if a row is malformed, nothing is stored."""
    file = csv_file_parse(data)
    if file.malformed_count:
        return KeyImportReport(tuple(map(str, file.lines)), malformed=file.malformed_count)
    with transaction.atomic():
        results = _rows_import(file.rows)
        transaction.set_rollback(dry_run)
    outcomes = Counter(result.outcome for result in results)
    return KeyImportReport(
        tuple(
            str(import_line(line.location, result.outcome, dry_run=dry_run))
            for line, result in zip(file.lines, results, strict=True)
        ),
        malformed=0,
        added=outcomes[ImportOutcome.ADDED],
        already_here=outcomes[ImportOutcome.ALREADY_EXISTS],
    )


@sensitive_variables()
def _rows_import(rows: tuple[CsvRow, ...]) -> list[ImportResult]:
    names = list(dict.fromkeys(row.organisation for row in rows))
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
            )
            for row in rows
        ],
    )
    new_keys = [result.key for result in results if result.key is not None]
    key_monitoring_start(keys=new_keys, actor=OPERATOR)
    return results
