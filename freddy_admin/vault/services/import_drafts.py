"""What a person does with many pasted keys: lay them out, look again, confirm, throw away.

Nothing is saved as a key here: rows are sealed where they lie, tried out by the worker, and made
into keys by it once the person has confirmed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Field, Q
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import may_create_organisations, organisations_where
from freddy_admin.vault.csv_file import CsvRow, ReportLine, csv_file_read
from freddy_admin.vault.duplicates import fingerprints_here
from freddy_admin.vault.import_reads import import_draft_lock, import_drafts_of
from freddy_admin.vault.models import Fate, ImportDraft, ImportDraftRow, ImportState, Verdict
from freddy_admin.vault.sealing import (
    canary_ensure,
    import_place_of,
    seal_into,
    sealed_wipe,
)
from freddy_admin.vault.trying import NEVER_OPENED, TRIED_FIELDS, outcome_forget

ROWS_AT_MOST: Final = 2_000
BYTES_AT_MOST: Final = 1_000_000
DRAFTS_AT_MOST: Final = 3
_FIELDS: Final = tuple(
    field
    for field in ImportDraftRow._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if not field.primary_key
)
_WIPED: Final = ("fate", "ciphertext", "master_key_id", "fingerprint")
# What a person may add to the rows that work; everything else is never made into a key.
CHOICES: Final = frozenset({Verdict.UNTESTED, Verdict.DIFFERS})
_AGAIN: Final = (Verdict.UNTESTED, Verdict.REJECTED)


@dataclass(frozen=True, slots=True)
class _Rights:
    """Into which organisations this person may bring keys."""

    managed: dict[str, Organisation]
    may_add: bool

    @classmethod
    def of(cls, user: User) -> "_Rights":
        found = organisations_where(user=user, permission=Permission.MANAGE_KEYS)
        return cls({one.name: one for one in found}, may_create_organisations(user=user))


@sensitive_variables("data", "sound", "file")
def import_draft_open(*, actor: Actor, user: User, data: bytes) -> ImportDraft:
    """Read pasted rows and lay them out for their test; each secret is sealed for its row.

    The columns and rules are those of the file of `import_keys`. A row of an organisation whose
    keys this person does not look after is malformed, with the same words whether it exists or
    not. Raises InvalidInput for text that is no such file at all, for too much of it, and where
    too many drafts wait already.
    """
    if len(data) > BYTES_AT_MOST:
        raise InvalidInput(_("This is more than 1 MB. Split it into several parts."), field="rows")
    file = csv_file_read(data, rows_at_most=ROWS_AT_MOST)
    if file.unfit or not file.lines or len(file.lines) > ROWS_AT_MOST:
        problem = file.unfit or (file.lines[-1].problem if file.lines else _("it holds no rows"))
        raise InvalidInput(_("Nothing was read: %(why)s.") % {"why": problem}, field="rows")
    sound = {row.number: row for row in file.sound}
    with transaction.atomic():
        # One person's pastes one after the other, so that the limit holds.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        _expect_room(user)
        draft = ImportDraft.objects.create(person=user, created_at=clock.now())
        rows = _laid_out(draft, file.lines, sound, _Rights.of(user))
        _write(rows)
        canary_ensure()
        waiting = sum(row.verdict == Verdict.WAITING for row in rows)
        audit_record(tag=Tag.KEYS_IMPORT_OPENED, actor=actor, rows=len(rows), to_test=waiting)
    return draft


def import_draft_retest(*, actor: Actor, user: User, draft_id: UUID) -> int:
    """Have those tested again that were rejected or could not be tested; how many."""
    with transaction.atomic():
        draft = import_draft_lock(user=user, draft_id=draft_id, state=ImportState.OPEN)
        untried = ImportDraftRow(verdict=Verdict.WAITING)
        outcome_forget(untried)
        values = {name: getattr(untried, name) for name in ("verdict", *TRIED_FIELDS)}
        rows = draft.rows.filter(verdict__in=_AGAIN).exclude(ciphertext=None)
        number = rows.update(**values)
        if number:
            audit_record(tag=Tag.CHECK_REQUESTED, actor=actor, subject=_("import"), rows=number)
    return number


def import_draft_discard(*, actor: Actor, user: User, draft_id: UUID) -> None:
    """Throw all of it away: the sealed bytes are gone with their rows."""
    with transaction.atomic():
        draft = import_draft_lock(user=user, draft_id=draft_id, state=ImportState.OPEN)
        number = draft.rows.count()
        draft.delete()
        wal_empty_after_commit()
        audit_record(tag=Tag.KEYS_IMPORT_DISCARDED, actor=actor, rows=number)


def import_draft_confirm(
    *, actor: Actor, user: User, draft_id: UUID, also: Collection[Verdict] = ()
) -> int:
    """Have those saved that work, and of the others the kinds in `also`; how many will be.

    The worker makes them into keys; what stays behind is wiped here and now. Of two who confirm
    one does. Raises Conflict while rows are being tested, and where nothing is left to save.
    """
    wanted = {Verdict.WORKS, *(CHOICES & set(also))}
    with transaction.atomic():
        draft = import_draft_lock(user=user, draft_id=draft_id, state=ImportState.OPEN)
        if draft.rows.filter(verdict=Verdict.WAITING).exists():
            raise Conflict(_("Some keys are still being tested. Wait until all have an outcome."))
        saved, dropped = _decided(draft, wanted, user)
        if not saved:
            raise Conflict(_("None of these keys can be saved as chosen. Nothing was changed."))
        wal_empty_after_commit()
        draft.state, draft.confirmed_at = ImportState.CONFIRMED, clock.now()
        draft.actor_name, draft.actor_address = actor.name[:254], actor.address
        draft.save()
        audit_record(tag=Tag.KEYS_IMPORT_CONFIRMED, actor=actor, keep=saved, drop=dropped)
    return saved


def _expect_room(user: User) -> None:
    if import_drafts_of(user=user).count() >= DRAFTS_AT_MOST:
        raise InvalidInput(
            _("You have %(n)d unfinished imports. Save or throw one away before the next.")
            % {"n": DRAFTS_AT_MOST},
            field="rows",
        )


@sensitive_variables("sound", "row")
def _laid_out(
    draft: ImportDraft, lines: Iterable[ReportLine], sound: dict[int, CsvRow], rights: _Rights
) -> list[ImportDraftRow]:
    here = fingerprints_here(organisation_ids=[one.pk for one in rights.managed.values()])
    ring, rows = keyring(), []
    for line in lines:
        row = sound.get(line.number)
        if row is None:
            rows.append(_malformed(draft, line, line.problem))
            continue
        organisation = rights.managed.get(row.organisation)
        if organisation is None and not rights.may_add:
            rows.append(_malformed(draft, line, _not_yours()))
            continue
        rows.append(_sealed(draft, row, organisation, ring=ring, here=here))
    return rows


@sensitive_variables("row")
def _sealed(
    draft: ImportDraft,
    row: CsvRow,
    organisation: Organisation | None,
    *,
    ring: Keyring,
    here: set[tuple[int, str]],
) -> ImportDraftRow:
    made = ImportDraftRow(
        draft=draft,
        number=row.number,
        organisation=organisation,
        organisation_name=row.organisation,
        label=row.label,
        organization_id=row.organization_id,
        tags=list(row.tags),
        verdict=Verdict.WAITING,
    )
    seal_into(made, row.secret, row=import_place_of(made), ring=ring)
    if organisation is not None and (organisation.pk, made.fingerprint) in here:
        made.verdict = Verdict.HERE
        sealed_wipe(made)
    return made


@sensitive_variables()
def _write(rows: list[ImportDraftRow]) -> None:
    """All rows in one statement; what all of them have in common is readied for it once.

    Django's own way readies each field of each row, and takes longer over that than sealing does.
    """

    def ready(row: ImportDraftRow, fields: "Iterable[Field[Any, Any]]") -> list[Any]:
        return [one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields]

    first = rows[0]
    same: list[Field[Any, Any]] = []
    own: list[Field[Any, Any]] = []
    for field in _FIELDS:
        value = getattr(first, field.attname)
        alike = all(getattr(row, field.attname) is value for row in rows)
        (same if alike else own).append(field)
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(str(field.column)) for field in (*same, *own))
    values = ", ".join(["%s"] * len(_FIELDS))
    shared = ready(first, same)
    with connection.cursor() as cursor:
        cursor.executemany(
            # Names of our own model; what came from outside is bound.
            f"INSERT INTO {quoted(first._meta.db_table)} ({columns}) VALUES ({values})",  # noqa: S608, SLF001  # nosec B608
            [[*shared, *ready(row, own)] for row in rows],
        )


def _malformed(draft: ImportDraft, line: ReportLine, problem: str) -> ImportDraftRow:
    return ImportDraftRow(
        draft=draft,
        number=line.number,
        organisation_name=line.organisation[:120],
        label=line.label[:80],
        verdict=Verdict.MALFORMED,
        problem=problem[:300],
    )


def _not_yours() -> str:
    return _(
        "organisation: you look after no organisation of this name. Write it exactly as it is "
        "called here, or ask a platform admin"
    )


def _decided(draft: ImportDraft, wanted: set[Verdict], user: User) -> tuple[int, int]:
    """Say of each row whether it is kept; what is dropped is wiped. How many are either.

    A right that was lost since the rows were pasted counts.
    """
    rows = draft.rows.all()
    managed = organisations_where(user=user, permission=Permission.MANAGE_KEYS)
    allowed = Q(organisation__in=managed)
    if may_create_organisations(user=user):
        allowed |= Q(organisation=None)
    foreign = rows.filter(verdict__in=wanted).exclude(allowed)
    foreign.update(verdict=Verdict.MALFORMED, problem=_not_yours())
    keepable = rows.filter(verdict__in=wanted).exclude(outcome_kind__in=NEVER_OPENED)
    saved = keepable.exclude(ciphertext=None).update(fate=Fate.KEEPING)
    wiped = ImportDraftRow(fate=Fate.DROPPED)
    sealed_wipe(wiped)
    values = {name: getattr(wiped, name) for name in _WIPED}
    return saved, rows.exclude(fate=Fate.KEEPING).update(**values)
