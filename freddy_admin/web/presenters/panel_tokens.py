"""A person's panel tokens in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.accounts.models import ApiToken, TokenScope
from freddy_admin.web.presenters.times import Reading

NAMED = 3


@dataclass(frozen=True, slots=True)
class TokenView:
    """One line of the list."""

    id: int
    name: str
    may: str
    where: str
    made: SafeString
    used: SafeString | str
    until: str
    ended: bool


def token_views(rows: Sequence[ApiToken], on: Reading) -> list[TokenView]:
    """All of them, in the order they come."""
    return [_view(row, on) for row in rows]


def _view(row: ApiToken, on: Reading) -> TokenView:
    ended = row.expires_at is not None and row.expires_at <= on.now
    return TokenView(
        id=row.pk,
        name=row.name,
        may=_("read and act") if row.scope == TokenScope.ACT else _("read"),
        where=_where(row),
        made=on.cell(row.created_at),
        used=on.cell(row.last_used_at) if row.last_used_at else _("never"),
        until=_until(row, on, ended=ended),
        ended=ended,
    )


def _where(row: ApiToken) -> str:
    if row.every_organisation:
        return _("all of yours")
    names = sorted(one.name for one in row.organisations.all())
    if not names:
        return _("none that is left")
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    if more < 1:
        return shown
    return ngettext("%(names)s and %(n)d more", "%(names)s and %(n)d more", more) % {
        "names": shown,
        "n": more,
    }


def _until(row: ApiToken, on: Reading, *, ended: bool) -> str:
    if row.expires_at is None:
        return _("for good")
    day = f"{on.date(row.expires_at)} {row.expires_at.astimezone(on.zone).year}"
    return _("ended %(day)s") % {"day": day} if ended else _("until %(day)s") % {"day": day}
