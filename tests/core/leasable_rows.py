"""Rows of every model that is leased, as free as they are created."""

from collections.abc import Callable
from typing import Any

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import CatalogSnapshot, RemoteOperation, SyncStatus
from freddy_admin.vault.models import ApiKey, ImportDraft, ImportDraftRow, KeyCandidate
from tests.hand_clock import NOON

CreateRow = Callable[[ApiKey, int], Any]


def _status(key: ApiKey, _number: int) -> SyncStatus:
    return SyncStatus.objects.create(
        key=key,
        organisation=key.organisation,
        state_since=NOON,
        next_check_at=NOON,
        updated_at=NOON,
    )


def _candidate(key: ApiKey, _number: int) -> KeyCandidate:
    return KeyCandidate.objects.create(key=key, version=2, created_at=NOON, created_by="Ana")


def _import_row(_key: ApiKey, number: int) -> ImportDraftRow:
    ana = User.objects.get_or_create(email="ana@example.org", defaults={"created_at": NOON})[0]
    draft = ImportDraft.objects.get_or_create(person=ana, defaults={"created_at": NOON})[0]
    return ImportDraftRow.objects.create(draft=draft, number=number)


def _operation(key: ApiKey, _number: int) -> RemoteOperation:
    return RemoteOperation.objects.create(
        key=key,
        organisation=key.organisation,
        key_version=1,
        kind="sync",
        requested_at=NOON,
        requested_by="Ana",
    )


def _catalog(key: ApiKey, _number: int) -> CatalogSnapshot:
    return CatalogSnapshot.objects.create(
        key=key, organisation=key.organisation, key_version=1, kind="connectors"
    )


CREATE_ROW: dict[type[Any], CreateRow] = {
    SyncStatus: _status,
    KeyCandidate: _candidate,
    ImportDraftRow: _import_row,
    RemoteOperation: _operation,
    CatalogSnapshot: _catalog,
}


def create_rows(model: type[Any], count: int) -> list[int]:
    """The ids of so many new rows of `model`, each of a key of its own, in their order."""
    alder = Organisation.objects.create(name="Alder", slug="alder", created_at=NOON)
    rows = []
    for number in range(count):
        key = ApiKey.objects.create(organisation=alder, label=str(number), created_at=NOON)
        rows.append(CREATE_ROW[model](key, number))
    return [row.pk for row in rows]
