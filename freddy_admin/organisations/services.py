"""Every change of an organisation and of who belongs to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor, audit_record, audit_record_each
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.limits import Limit, TooManyRequests, limit_hold
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.core.text import line_clean
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.slugs import Slugs, slug_base
from freddy_admin.organisations.standing import role_set

NAME_LIMIT = 120
# Of one person, whatever became of them: enough for a slip and its correction.
RENAMES = Limit("renames", most=5, seconds=3_600)
BATCH = 500


@transaction.atomic
def organisation_create(*, actor: Actor, name: str) -> Organisation:
    """Add an organisation; raises InvalidInput for a name that is unusable or taken."""
    # Slugs are read before names: whoever is faster in between is met by one of the two, by the
    # name if it is there by then, else by the slug, which both would take.
    base = slug_base(line_clean(name, field="name", limit=NAME_LIMIT))
    taken = Organisation.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    slugs = Slugs(taken)
    clean = line_clean(name, field="name", limit=NAME_LIMIT)
    _refuse_taken(clean, besides=None)
    with _against_races():
        organisation = Organisation.objects.create(name=clean, slug=slugs.take(clean))
    audit_record(
        tag=Tag.ORGANISATION_CREATED,
        actor=actor,
        place=place_of(organisation),
        subject=clean,
    )
    return organisation


def organisation_rename(*, organisation: Organisation, actor: Actor, name: str) -> Organisation:
    """Give it another name; its slug stays, so that links to it go on working.

    Raises NotFound where it was removed meanwhile, InvalidInput for a name that is unusable or
    taken, TooManyRequests for more than a few attempts an hour: that a name is taken tells of
    another organisation. Each attempt is written down, also the one that is refused.
    """
    clean = line_clean(name, field="name", limit=NAME_LIMIT)
    if clean == organisation.name:
        return organisation
    try:
        if actor.id is not None:
            limit_hold(RENAMES, of=str(actor.id))
        return _rename(organisation, actor, clean)
    except (InvalidInput, Conflict, TooManyRequests) as refused:
        audit_record(
            tag=Tag.ORGANISATION_RENAME_REFUSED,
            actor=actor,
            place=place_of(organisation),
            # What was typed, and no more than that.
            subject=clean,
            reason="too often" if isinstance(refused, TooManyRequests) else "taken",
        )
        raise


@transaction.atomic
def _rename(organisation: Organisation, actor: Actor, clean: str) -> Organisation:
    organisation = organisation_lock(organisation=organisation)
    _refuse_taken(clean, besides=organisation)
    former = organisation.name
    if clean == former:
        return organisation
    organisation.name = clean
    with _against_races():
        organisation.save(update_fields=["name"])
    audit_record(
        tag=Tag.ORGANISATION_RENAMED,
        actor=actor,
        place=place_of(organisation),
        subject=clean,
        old=former,
        new=clean,
    )
    return organisation


@transaction.atomic
def organisation_remove(*, organisation: Organisation, actor: Actor) -> None:
    """Remove it with its keys and everything measured; the audit log keeps what happened.

    Of two who remove it one does; the other one meets NotFound.
    """
    found = organisation_lock(organisation=organisation, removal=True)
    place = place_of(found)
    found.delete()
    wal_empty_after_commit()
    audit_record(tag=Tag.ORGANISATION_REMOVED, actor=actor, place=place, subject=place.name)


@transaction.atomic
def organisations_ensure(*, actor: Actor, names: list[str]) -> dict[str, Organisation]:
    """The organisations of these names, by the name as it was given; missing ones are added.

    Found by their exact name (stripped, composed): forms refuse names that differ in case alone,
    but whoever writes a file knows their customers. Written in batches.
    Raises InvalidInput for the first unusable name; then nothing is added.
    """
    wanted = {name: line_clean(name, field="organisation", limit=NAME_LIMIT) for name in names}
    known = {organisation.name: organisation for organisation in Organisation.objects.all()}
    missing = [name for name in dict.fromkeys(wanted.values()) if name not in known]
    slugs = Slugs(organisation.slug for organisation in known.values())
    new = [Organisation(name=name, slug=slugs.take(name)) for name in missing]
    # In one order for all: two imports of the same names would else wait for each other.
    new.sort(key=lambda organisation: organisation.name)
    with _against_races():
        added = Organisation.objects.bulk_create(new, batch_size=BATCH)
    audit_record_each(
        tag=Tag.ORGANISATION_CREATED, actor=actor, places=[place_of(one) for one in added]
    )
    known |= {organisation.name: organisation for organisation in added}
    return {given: known[clean] for given, clean in wanted.items()}


@transaction.atomic
def member_set(*, organisation: Organisation, actor: Actor, user: User, role: Role | str) -> Role:
    """Make a person a member with this role, or change the role; for whoever runs the panel.

    They alone may lower the last manager, for a platform admin can appoint another. Raises
    InvalidInput, and NotFound where the organisation was removed meanwhile.
    """
    if role not in Role.values:
        raise InvalidInput(_("Choose one of viewer, operator, manager."), field="role")
    if not user.is_active:
        raise InvalidInput(_("The account of this person is switched off."), field="user")
    organisation = organisation_lock(organisation=organisation)
    former = role_set(place=organisation, actor=actor, user=user, role=Role(role))
    if former != role:
        audit_record(
            tag=Tag.MEMBER_CHANGED if former else Tag.MEMBER_ADDED,
            actor=actor,
            place=place_of(organisation),
            subject=str(user),
            old=former.value if former else None,
            new=str(role),
        )
    return Role(role)


def _refuse_taken(clean: str, *, besides: Organisation | None) -> None:
    others = Organisation.objects.exclude(pk=besides.pk) if besides else Organisation.objects.all()
    # SQLite's iexact knows ASCII alone, so Python compares.
    taken = {other.casefold() for other in others.values_list("name", flat=True)}
    if clean.casefold() in taken:
        raise InvalidInput(
            _("There is already an organisation called “%(name)s”. Choose another name.")
            % {"name": clean},
            field="name",
        )


@contextmanager
def _against_races() -> Iterator[None]:
    # The database has the last word on names and slugs when two people are equally fast.
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise Conflict(
            _("Somebody added an organisation of this name at the same moment. Try again.")
        ) from None
