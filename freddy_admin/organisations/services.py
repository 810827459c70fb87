"""Changes of organisations, and memberships set by the operator."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils.text import slugify
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import (
    Actor,
    audit_event_record,
    audit_event_record_for_organisations,
)
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.rate_limits import RateLimit, TooManyRequests, rate_limit_consume
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.core.text_validation import case_folded, line_clean
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.membership_roles import membership_role_write
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role, role_clean

NAME_MAX_LENGTH = 120
# Attempts of one person, refused ones included.
RENAME_LIMIT = RateLimit("renames", amount=5, seconds=3_600)
BATCH_SIZE = 500
SLUG_BASE_MAX_LENGTH = 120
FALLBACK_SLUG = "organisation"
# Path segments below /organisations/ that are pages.
RESERVED_SLUGS = frozenset({"new", "add", "import", "export"})
# Sent with `organisation` inside the transaction that deletes it, while all of it is still there.
organisation_deletion_started = Signal()


@transaction.atomic
def organisation_create(*, actor: Actor, name: str) -> Organisation:
    """Add an organisation; raises InvalidInput for a name that is unusable or taken."""
    # Slugs are read before names: a concurrent creation in between is caught by its name if that
    # is visible by then, else by the slug, which both would take.
    base = slug_base(line_clean(name, field="name", limit=NAME_MAX_LENGTH))
    taken_slugs = Organisation.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    slugs = SlugAllocator(taken_slugs)
    clean_name = line_clean(name, field="name", limit=NAME_MAX_LENGTH)
    _validate_name_unused(clean_name, excluded=None)
    with _integrity_error_as_conflict():
        organisation = Organisation.objects.create(name=clean_name, slug=slugs.allocate(clean_name))
    audit_event_record(
        tag=AuditTag.ORGANISATION_CREATED,
        actor=actor,
        organisation=organisation_audit_ref(organisation),
        subject=clean_name,
    )
    return organisation


def organisation_rename(*, organisation: Organisation, actor: Actor, name: str) -> Organisation:
    """Rename it; its slug stays, so that links to it keep working.

    Raises NotFound if it was deleted meanwhile, InvalidInput for a name that is unusable or taken,
    TooManyRequests above five attempts an hour: a refusal reveals that another organisation has
    the name. Each attempt is recorded in the audit log, refused ones included.
    """
    clean_name = line_clean(name, field="name", limit=NAME_MAX_LENGTH)
    if clean_name == organisation.name:
        return organisation
    try:
        if actor.id is not None:
            rate_limit_consume(RENAME_LIMIT, key=str(actor.id))
        return _organisation_rename(organisation, actor, clean_name)
    except (InvalidInput, Conflict, TooManyRequests) as error:
        audit_event_record(
            tag=AuditTag.ORGANISATION_RENAME_REFUSED,
            actor=actor,
            organisation=organisation_audit_ref(organisation),
            # The entered name, never the other organisation's.
            subject=clean_name,
            reason="too often" if isinstance(error, TooManyRequests) else "taken",
        )
        raise


@transaction.atomic
def _organisation_rename(organisation: Organisation, actor: Actor, clean_name: str) -> Organisation:
    organisation = organisation_lock(organisation=organisation)
    _validate_name_unused(clean_name, excluded=organisation)
    former_name = organisation.name
    if clean_name == former_name:
        return organisation
    organisation.name = clean_name
    with _integrity_error_as_conflict():
        organisation.save(update_fields=["name"])
    audit_event_record(
        tag=AuditTag.ORGANISATION_RENAMED,
        actor=actor,
        organisation=organisation_audit_ref(organisation),
        subject=clean_name,
        old=former_name,
        new=clean_name,
    )
    return organisation


@transaction.atomic
def organisation_delete(*, organisation: Organisation, actor: Actor) -> None:
    """Delete it with its keys and observations; the audit log keeps its history.

    Of two concurrent calls one succeeds and the other raises NotFound.
    """
    organisation = organisation_lock(organisation=organisation, removal=True)
    organisation_ref = organisation_audit_ref(organisation)
    organisation_deletion_started.send(Organisation, organisation=organisation)
    organisation.delete()
    wal_truncate_on_commit()
    audit_event_record(
        tag=AuditTag.ORGANISATION_REMOVED,
        actor=actor,
        organisation=organisation_ref,
        subject=organisation_ref.name,
    )


@transaction.atomic
def organisations_ensure(*, actor: Actor, names: list[str]) -> dict[str, Organisation]:
    """The organisations of these names, by the name as given; missing ones are created.

    Found by their exact name (spaces folded, composed): forms refuse names that differ in case
    alone, but whoever writes an import file knows their customers. Written in batches.
    Raises InvalidInput for the first unusable name; then nothing is created.
    """
    clean_names = {
        name: line_clean(name, field="organisation", limit=NAME_MAX_LENGTH) for name in names
    }
    organisations = {organisation.name: organisation for organisation in Organisation.objects.all()}
    missing_names = [
        name for name in dict.fromkeys(clean_names.values()) if name not in organisations
    ]
    slugs = SlugAllocator(organisation.slug for organisation in organisations.values())
    new_organisations = [
        Organisation(name=name, slug=slugs.allocate(name)) for name in missing_names
    ]
    # In one order for all imports, or two with the same names could deadlock.
    new_organisations.sort(key=lambda organisation: organisation.name)
    with _integrity_error_as_conflict():
        added_organisations = Organisation.objects.bulk_create(
            new_organisations, batch_size=BATCH_SIZE
        )
    audit_event_record_for_organisations(
        tag=AuditTag.ORGANISATION_CREATED,
        actor=actor,
        organisations=[
            organisation_audit_ref(organisation) for organisation in added_organisations
        ],
    )
    organisations |= {organisation.name: organisation for organisation in added_organisations}
    return {name: organisations[clean_name] for name, clean_name in clean_names.items()}


@transaction.atomic
def member_ensure(
    *, organisation: Organisation, actor: Actor, user: User, role: Role | str
) -> Role:
    """Make a person a member with this role, or change the role; for the operator's commands.

    May lower the last manager, for a platform admin can appoint another. Raises InvalidInput,
    and NotFound if the organisation was deleted meanwhile.
    """
    new_role = role_clean(role)
    if not user.is_active:
        raise InvalidInput(_("The account of this person is switched off."), field="user")
    organisation = organisation_lock(organisation=organisation)
    former_role = membership_role_write(
        organisation=organisation, actor=actor, user=user, role=new_role
    )
    if former_role != new_role:
        audit_event_record(
            tag=AuditTag.MEMBER_CHANGED if former_role else AuditTag.MEMBER_ADDED,
            actor=actor,
            organisation=organisation_audit_ref(organisation),
            subject=str(user),
            old=former_role.value if former_role else None,
            new=str(new_role),
        )
    return new_role


class SlugAllocator:
    """Allocates unused slugs: `acme`, `acme-2`, `acme-3` …"""

    def __init__(self, taken_slugs: Iterable[str]) -> None:
        self._taken_slugs = set(taken_slugs) | RESERVED_SLUGS
        self._next_number: dict[str, int] = {}

    def allocate(self, name: str) -> str:
        """An unused slug for this name, reserved from now on."""
        base = slug_base(name)
        slug, number = base, self._next_number.get(base, 2)
        while slug in self._taken_slugs:
            slug, number = f"{base}-{number}", number + 1
        self._next_number[base] = number
        self._taken_slugs.add(slug)
        return slug


def slug_base(name: str) -> str:
    """The slug of a name before any number is added."""
    return slugify(name)[:SLUG_BASE_MAX_LENGTH].strip("-_") or FALLBACK_SLUG


def _validate_name_unused(name: str, *, excluded: Organisation | None) -> None:
    organisations = (
        Organisation.objects.exclude(pk=excluded.pk) if excluded else Organisation.objects.all()
    )
    # SQLite's iexact knows ASCII alone, so Python compares.
    taken_names = {
        case_folded(organisation_name)
        for organisation_name in organisations.values_list("name", flat=True)
    }
    if case_folded(name) in taken_names:
        raise InvalidInput(
            _("There is already an organisation called “%(name)s”. Choose another name.")
            % {"name": name},
            field="name",
        )


@contextmanager
def _integrity_error_as_conflict() -> Iterator[None]:
    # Of two concurrent requests for one name or slug, the unique constraint refuses the second.
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise Conflict(
            _("Somebody added an organisation of this name at the same moment. Try again.")
        ) from None
