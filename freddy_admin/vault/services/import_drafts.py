"""A person's side of an import of pasted keys: create, retest, confirm, discard a draft.

Nothing is saved as a key here: each row is sealed, tested by the worker, and saved as a key by it
once the person has confirmed.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Field, Q
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.organisations.access import (
    can_create_organisations,
    organisations_with_permission,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import similar_organisation_names
from freddy_admin.vault.candidate_result import (
    CANDIDATE_RESULT_FIELDS,
    UNREADABLE_RESULT_KINDS,
    candidate_result_clear,
)
from freddy_admin.vault.duplicate_secrets import fingerprints_of_organisations
from freddy_admin.vault.import_selectors import import_draft_lock, open_import_drafts_list
from freddy_admin.vault.key_import_csv import CsvFile, CsvRow, CsvRowReport, csv_file_parse
from freddy_admin.vault.key_import_owners import owner_problem, row_owners_find
from freddy_admin.vault.models import (
    ImportDraft,
    ImportDraftRow,
    ImportDraftState,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.sealing import (
    canary_ensure,
    import_row_context,
    sealed_secret_set,
    sealed_secret_wipe,
)

DRAFT_MAX_ROWS: Final = 2_000
DRAFT_MAX_BYTES: Final = 1_000_000
MAX_OPEN_DRAFTS: Final = 3
_INSERT_FIELDS: Final = tuple(
    field
    for field in ImportDraftRow._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if not field.primary_key
)
_WIPED_FIELDS: Final = ("save_state", "ciphertext", "master_key_id", "fingerprint")
# States a person may save beside the rows that work; all others are never saved.
OPTIONAL_ROW_STATES: Final = frozenset(
    {ImportRowState.UNTESTED, ImportRowState.DIFFERS, ImportRowState.REJECTED}
)
_RETESTABLE_STATES: Final = (ImportRowState.UNTESTED, ImportRowState.REJECTED)


class UnreadFile(InvalidInput):
    """Nothing of the text could be read; one that holds no secret may be shown again."""

    def __init__(self, message: str, *, field: str, holds_no_secret: bool) -> None:
        super().__init__(message, field=field)
        self.holds_no_secret = holds_no_secret


@sensitive_variables("data", "file")
def import_draft_create(*, actor: Actor, user: User, data: bytes) -> ImportDraft:
    """Create a draft from pasted rows, to be tested by the worker; each secret is sealed.

    Columns and rules are those of the file of `import_keys`. A row of an organisation whose keys
    this person may not manage is malformed, with the same message whether it exists or not.
    Raises InvalidInput for text that is no such file, is too large, or holds no rows, and if the
    person has too many open drafts; UnreadFile where it is the text's fault.
    """
    if len(data) > DRAFT_MAX_BYTES:
        raise InvalidInput(_("This is more than 1 MB. Split it into several parts."), field="rows")
    file = csv_file_parse(data, max_rows=DRAFT_MAX_ROWS)
    if file.file_problem or not file.lines or len(file.lines) > DRAFT_MAX_ROWS:
        raise _unread_file_error(file)
    with transaction.atomic():
        # Concurrent drafts of one person are created in turn, so that the limit holds.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        _open_drafts_validate_limit(user)
        draft = ImportDraft.objects.create(person=user, created_at=clock.now())
        rows = _draft_rows_build(draft, file, user)
        _draft_rows_insert(rows)
        canary_ensure()
        waiting_count = sum(row.state == ImportRowState.WAITING for row in rows)
        audit_event_record(
            tag=AuditTag.KEYS_IMPORT_OPENED, actor=actor, rows=len(rows), to_test=waiting_count
        )
        wake(QueueName.IMPORT_ROWS)
    return draft


def import_draft_retest(*, actor: Actor, user: User, draft_id: UUID) -> int:
    """Queue rejected and untested rows for another test; returns how many."""
    with transaction.atomic():
        draft = import_draft_lock(user=user, draft_id=draft_id, state=ImportDraftState.OPEN)
        untested_row = ImportDraftRow(state=ImportRowState.WAITING)
        candidate_result_clear(untested_row)
        values = {name: getattr(untested_row, name) for name in ("state", *CANDIDATE_RESULT_FIELDS)}
        rows = draft.rows.filter(state__in=_RETESTABLE_STATES).exclude(ciphertext=None)
        row_count = rows.update(**values)
        if row_count:
            audit_event_record(
                tag=AuditTag.CHECK_REQUESTED, actor=actor, subject=_("import"), rows=row_count
            )
            wake(QueueName.IMPORT_ROWS)
    return row_count


def import_draft_discard(*, actor: Actor, user: User, draft_id: UUID) -> None:
    """Delete the draft with its rows and their sealed bytes."""
    with transaction.atomic():
        draft = import_draft_lock(user=user, draft_id=draft_id, state=ImportDraftState.OPEN)
        row_count = draft.rows.count()
        draft.delete()
        wal_truncate_on_commit()
        audit_event_record(tag=AuditTag.KEYS_IMPORT_DISCARDED, actor=actor, rows=row_count)


def import_draft_confirm(
    *,
    actor: Actor,
    user: User,
    draft_id: UUID,
    extra_states: Collection[ImportRowState] = (),
    extra_numbers: Collection[int] = (),
) -> int:
    """Mark rows that work to be saved, and those a person chose; returns how many.

    Chosen are those in `extra_states`, and single ones by their numbers, if they are in one of
    `OPTIONAL_ROW_STATES`. One that was refused becomes a key that is tried every hour. The worker
    saves them as keys; all other rows are wiped at once. Of two concurrent calls one succeeds.
    Raises Conflict while rows are being tested, and if there is nothing to save.
    """
    is_chosen = Q(state__in={ImportRowState.WORKS, *(OPTIONAL_ROW_STATES & set(extra_states))})
    is_chosen |= Q(state__in=OPTIONAL_ROW_STATES, number__in=extra_numbers)
    with transaction.atomic():
        draft = import_draft_lock(user=user, draft_id=draft_id, state=ImportDraftState.OPEN)
        if draft.rows.filter(state=ImportRowState.WAITING).exists():
            raise Conflict(_("Some keys are still being tested. Wait until all have an outcome."))
        saved_count, discarded_count = _draft_rows_set_save_states(draft, is_chosen, user)
        if not saved_count:
            raise Conflict(_("None of these keys can be saved as chosen. Nothing was changed."))
        wal_truncate_on_commit()
        draft.state, draft.confirmed_at = ImportDraftState.CONFIRMED, clock.now()
        draft.actor_name, draft.actor_address = actor.name[:254], actor.address
        draft.save()
        audit_event_record(
            tag=AuditTag.KEYS_IMPORT_CONFIRMED, actor=actor, keep=saved_count, drop=discarded_count
        )
        wake(QueueName.IMPORT_SAVING)
    return saved_count


def _open_drafts_validate_limit(user: User) -> None:
    if open_import_drafts_list(user=user).count() >= MAX_OPEN_DRAFTS:
        raise InvalidInput(
            _("You have %(n)d unfinished imports. Save or throw one away before the next.")
            % {"n": MAX_OPEN_DRAFTS},
            field="rows",
        )


def _unread_file_error(file: CsvFile) -> UnreadFile:
    problem = file.file_problem or (file.lines[-1].problem if file.lines else _("it holds no rows"))
    if file.file_problem and file.lines[0].number > 1:
        problem = _("line %(n)d: %(problem)s") % {"n": file.lines[0].number, "problem": problem}
    return UnreadFile(
        _("Nothing was read: %(why)s.") % {"why": problem},
        field="rows",
        holds_no_secret=file.holds_no_secret,
    )


@sensitive_variables("valid_rows", "row")
def _draft_rows_build(draft: ImportDraft, file: CsvFile, user: User) -> list[ImportDraftRow]:
    managed = {
        organisation.name: organisation
        for organisation in organisations_with_permission(
            user=user, permission=Permission.MANAGE_KEYS
        )
    }
    can_add_organisations = can_create_organisations(user=user)
    stored_fingerprints = fingerprints_of_organisations(
        organisation_ids=[organisation.pk for organisation in managed.values()]
    )
    valid_rows = {row.number: row for row in file.valid_rows}
    owners = row_owners_find(file.valid_rows)
    similar_names = (
        similar_organisation_names(names=[row.organisation for row in file.valid_rows])
        if can_add_organisations
        else {}
    )
    ring, rows = keyring(), []
    for line in file.lines:
        row = valid_rows.get(line.number)
        if row is None:
            rows.append(_malformed_row_build(draft, line, line.problem))
            continue
        organisation = managed.get(row.organisation)
        if organisation is None and not can_add_organisations:
            rows.append(_malformed_row_build(draft, line, _foreign_organisation_problem()))
            continue
        # After the organisation: of a foreign one nobody learns who its members are.
        if row.owner and line.number not in owners:
            rows.append(_malformed_row_build(draft, line, owner_problem()))
            continue
        draft_row = _sealed_row_build(
            draft, row, organisation, ring=ring, stored_fingerprints=stored_fingerprints
        )
        draft_row.owner = owners.get(line.number)
        draft_row.similar_organisation_name = similar_names.get(row.organisation, "")
        rows.append(draft_row)
    return rows


@sensitive_variables("row")
def _sealed_row_build(
    draft: ImportDraft,
    row: CsvRow,
    organisation: Organisation | None,
    *,
    ring: Keyring,
    stored_fingerprints: dict[tuple[int, str], str],
) -> ImportDraftRow:
    draft_row = ImportDraftRow(
        draft=draft,
        number=row.number,
        organisation=organisation,
        organisation_name=row.organisation,
        label=row.label,
        organization_id=row.organization_id,
        tags=list(row.tags),
        environment=row.environment,
        expires_on=row.expires_on,
        grace_minutes=row.grace_minutes,
        state=ImportRowState.WAITING,
    )
    sealed_secret_set(draft_row, row.secret, context=import_row_context(draft_row), ring=ring)
    identity = (organisation.pk if organisation else 0, draft_row.fingerprint)
    if identity in stored_fingerprints:
        draft_row.state = ImportRowState.DUPLICATE
        stored_environment = stored_fingerprints[identity]
        if stored_environment != row.environment:
            draft_row.problem = _key_is_elsewhere(stored_environment)
        sealed_secret_wipe(draft_row)
    return draft_row


@sensitive_variables()
def _draft_rows_insert(rows: list[ImportDraftRow]) -> None:
    """Insert all rows with one statement, preparing the values they share only once.

    `bulk_create` prepares each field of each row, which takes longer than sealing does.
    """

    def values_prepare(row: ImportDraftRow, fields: "Iterable[Field[Any, Any]]") -> list[Any]:
        return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]

    first_row = rows[0]
    shared_fields: list[Field[Any, Any]] = []
    row_fields: list[Field[Any, Any]] = []
    for field in _INSERT_FIELDS:
        value = getattr(first_row, field.attname)
        is_shared = all(getattr(row, field.attname) is value for row in rows)
        (shared_fields if is_shared else row_fields).append(field)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in (*shared_fields, *row_fields))
    values = ", ".join(["%s"] * len(_INSERT_FIELDS))
    shared_values = values_prepare(first_row, shared_fields)
    with connection.cursor() as cursor:
        cursor.executemany(
            # Names of our own model; all values are bound.
            f"INSERT INTO {quote(first_row._meta.db_table)} ({columns}) VALUES ({values})",  # noqa: S608, SLF001  # nosec B608
            [[*shared_values, *values_prepare(row, row_fields)] for row in rows],
        )


def _malformed_row_build(draft: ImportDraft, line: CsvRowReport, problem: str) -> ImportDraftRow:
    return ImportDraftRow(
        draft=draft,
        number=line.number,
        organisation_name=line.organisation[:120],
        label=line.label[:80],
        state=ImportRowState.MALFORMED,
        problem=problem[:300],
    )


def _key_is_elsewhere(environment: str) -> str:
    """That the organisation has this key already, in another environment than the row names."""
    return _(
        "the organisation has this key already, in the environment %(name)s: to move it, replace "
        "it there with itself and choose another environment"
    ) % {"name": environment}


def _foreign_organisation_problem() -> str:
    return _(
        "organisation: you look after no organisation of this name. Write it exactly as it is "
        "called here, or ask a platform admin"
    )


def _draft_rows_set_save_states(draft: ImportDraft, is_chosen: Q, user: User) -> tuple[int, int]:
    """Set each row's save state and wipe the discarded ones; returns (saving, discarded).

    Rights are those of now: one lost since the rows were pasted makes a row malformed.
    """
    rows = draft.rows.all()
    managed_organisations = organisations_with_permission(
        user=user, permission=Permission.MANAGE_KEYS
    )
    is_allowed = Q(organisation__in=managed_organisations)
    if can_create_organisations(user=user):
        is_allowed |= Q(organisation=None)
    foreign_rows = rows.filter(is_chosen).exclude(is_allowed)
    foreign_rows.update(state=ImportRowState.MALFORMED, problem=_foreign_organisation_problem())
    savable_rows = rows.filter(is_chosen).exclude(result_kind__in=UNREADABLE_RESULT_KINDS)
    saved_count = savable_rows.exclude(ciphertext=None).update(save_state=ImportSaveState.SAVING)
    wiped_row = ImportDraftRow(save_state=ImportSaveState.DISCARDED)
    sealed_secret_wipe(wiped_row)
    values = {name: getattr(wiped_row, name) for name in _WIPED_FIELDS}
    return saved_count, rows.exclude(save_state=ImportSaveState.SAVING).update(**values)
