"""A person's panel tokens in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.accounts.models import ApiToken, TokenScope
from freddy_admin.wording.times import UserTime, format_day

LISTED_NAMES_LIMIT = 3


@dataclass(frozen=True, slots=True)
class ApiTokenRow:
    """One API token of the list."""

    id: int
    name: str
    scope_text: str
    organisations_text: str
    created: SafeString
    last_used: SafeString | str
    expiry_text: str
    is_expired: bool


def api_token_rows(rows: Sequence[ApiToken], user_time: UserTime) -> list[ApiTokenRow]:
    """A row per token, in the given order."""
    return [_api_token_row(row, user_time) for row in rows]


def _api_token_row(row: ApiToken, user_time: UserTime) -> ApiTokenRow:
    is_expired = row.expires_at is not None and row.expires_at <= user_time.now
    return ApiTokenRow(
        id=row.pk,
        name=row.name,
        scope_text=_("read and act") if row.scope == TokenScope.ACT else _("read"),
        organisations_text=_organisations_text(row),
        created=user_time.render_relative_cell(row.created_at),
        last_used=user_time.render_relative_cell(row.last_used_at)
        if row.last_used_at
        else _("never"),
        expiry_text=_expiry_text(row, user_time, is_expired=is_expired),
        is_expired=is_expired,
    )


def _organisations_text(row: ApiToken) -> str:
    if row.every_organisation:
        return _("all of yours")
    names = sorted(organisation.name for organisation in row.organisations.all())
    if not names:
        return _("none that is left")
    more = len(names) - LISTED_NAMES_LIMIT
    shown = ", ".join(names[:LISTED_NAMES_LIMIT])
    if more < 1:
        return shown
    return ngettext("%(names)s and %(n)d more", "%(names)s and %(n)d more", more) % {
        "names": shown,
        "n": more,
    }


def _expiry_text(row: ApiToken, user_time: UserTime, *, is_expired: bool) -> str:
    if row.expires_at is None:
        return _("for good")
    day = format_day(row.expires_at.astimezone(user_time.zone).date())
    return _("ended %(day)s") % {"day": day} if is_expired else _("until %(day)s") % {"day": day}
