"""What a person gets by mail, and when: chosen on their page, or left by a link in a mail."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import AlertPreferences, DigestFrequency
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput, NotFound

_TOKEN_SALT = "freddy_admin.alerts.unsubscribe"  # noqa: S105  # nosec B105  no secret
_DIGEST_FIELDS = ("digest", "digest_hour", "digest_weekday")


class MailKind(StrEnum):
    """The mails that a person may leave by a link; the value is part of that link."""

    INCIDENTS = "incidents"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceValues:
    """What a person may choose; quiet hours are both times or neither."""

    gets_mail: bool
    quiet_from: time | None
    quiet_until: time | None
    digest: str
    digest_hour: int
    digest_weekday: int
    digest_skips_quiet: bool

    def validate(self) -> None:
        """Raises InvalidInput with the field."""
        if (self.quiet_from is None) != (self.quiet_until is None):
            field = "quiet_from" if self.quiet_from is None else "quiet_until"
            raise InvalidInput(_("Give both times, or neither."), field=field)
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            message = _("Choose two different times: these would be no time at all, or all day.")
            raise InvalidInput(message, field="quiet_until")
        if self.digest not in DigestFrequency.values:
            raise InvalidInput(_("Choose one of the answers offered."), field="digest")
        if not 0 <= self.digest_hour <= 23:
            raise InvalidInput(_("Choose an hour from 0 to 23."), field="digest_hour")
        if not 0 <= self.digest_weekday <= 6:
            raise InvalidInput(_("Choose one of the days offered."), field="digest_weekday")


def preferences_get(*, user: User) -> AlertPreferences:
    """What the person chose; the defaults, unsaved, where they chose nothing yet."""
    return AlertPreferences.objects.filter(user=user).first() or AlertPreferences(user=user)


@transaction.atomic
def preferences_update(*, actor: Actor, user: User, values: PreferenceValues) -> AlertPreferences:
    """Store what the person chose; raises InvalidInput with the field."""
    values.validate()
    return _save(actor, user, **{name: getattr(values, name) for name in values.__slots__})


@transaction.atomic
def mails_leave(*, actor: Actor, user: User, kind: MailKind | None = None) -> None:
    """End the mails of one kind, or all that a person can leave; they are ended at once."""
    values: dict[str, Any] = {}
    if kind in {None, MailKind.INCIDENTS}:
        values["gets_mail"] = False
    if kind in {None, MailKind.DIGEST}:
        values["digest"] = DigestFrequency.NONE
    _save(actor, user, **values)


def unsubscribe_token(*, user: User, kind: MailKind) -> str:
    """What a link holds that ends these mails of the person: signed, kept nowhere, for ever."""
    return signing.Signer(salt=_TOKEN_SALT).sign(f"{user.pk}.{kind.value}").replace(":", "~")


def unsubscribe_token_read(token: str) -> tuple[User, MailKind]:
    """Whose mails of which kind a link ends; raises NotFound for what this panel did not sign."""
    try:
        text = signing.Signer(salt=_TOKEN_SALT).unsign(token.replace("~", ":"))
        user_id, _dot, kind = text.partition(".")
        user = User.objects.filter(pk=int(user_id), is_active=True).first()
    except (signing.BadSignature, ValueError):
        user, kind = None, ""
    if user is None:
        raise NotFound(_("This link is not complete, or the account it belongs to is gone."))
    return user, MailKind(kind)


def _save(actor: Actor, user: User, **values: Any) -> AlertPreferences:
    AlertPreferences.objects.get_or_create(user=user)
    row = AlertPreferences.objects.select_for_update(no_key=True).get(user=user)
    changes = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not changes:
        return row
    if changes.keys() & {*_DIGEST_FIELDS}:
        row.digest_chosen_at = clock.now()
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    audit_event_record(tag=AuditTag.PERSON_CHANGED, actor=actor, subject=user.email)
    return row
