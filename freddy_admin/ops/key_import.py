"""Imports a file of keys: all of it, or nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.services import organisations_ensure
from freddy_admin.sync.lifecycle import keys_watch
from freddy_admin.vault.csv_file import CsvFile, CsvRow, csv_file_read
from freddy_admin.vault.services.imports import (
    ImportOutcome,
    ImportResult,
    ImportRow,
    api_keys_import,
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """A line per row, in the order of the file, and the counts."""

    lines: tuple[str, ...]
    malformed: int
    added: int = 0
    already_here: int = 0


@sensitive_variables()
def keys_file_import(data: bytes, *, dry_run: bool) -> ImportReport:
    """Read and store; with `dry_run`, or if a row is malformed, nothing is stored."""
    file = csv_file_read(data)
    if file.malformed:
        return ImportReport(tuple(map(str, file.lines)), malformed=file.malformed)
    with transaction.atomic():
        results = _stored(file.rows)
        transaction.set_rollback(dry_run)
    outcomes = Counter(result.outcome for result in results)
    return ImportReport(
        tuple(_lines(file, results, dry_run=dry_run)),
        malformed=0,
        added=outcomes[ImportOutcome.ADDED],
        already_here=outcomes[ImportOutcome.ALREADY_HERE],
    )


@sensitive_variables()
def _stored(rows: tuple[CsvRow, ...]) -> list[ImportResult]:
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
    added = [result.key for result in results if result.key is not None]
    keys_watch(keys=added, actor=OPERATOR)
    return results


def _lines(file: CsvFile, results: list[ImportResult], *, dry_run: bool) -> Iterator[str]:
    added = _("would be added") if dry_run else _("added")
    words = {ImportOutcome.ADDED: added, ImportOutcome.ALREADY_HERE: _("already here")}
    for line, result in zip(file.lines, results, strict=True):
        yield f"{line.where}: {words[result.outcome]}"
