"""The error panel: what happened, since when, what it affects, who can fix it, one button."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State
from freddy_admin.web.presenters.actions import PASTE, Action, next_action
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.owners import owner_of_trouble
from freddy_admin.web.presenters.states import pill
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class Trouble:
    """What to do, the four answers, the button (`loud` where it is needed), text for support.

    `happened` is empty where the headline above the panel says it, `owner` where asking the
    person who looks after the key would not help.
    """

    tone: str
    icon: str
    todo: str
    happened: str
    since: SafeString
    affects: SafeString
    who: str
    action: Action | None
    loud: bool
    details: str
    owner: str = ""


def trouble(row: KeyRow, on: Reading) -> Trouble | None:
    """The panel, or None where nothing is wrong."""
    if row.state is State.PAUSED:
        return None
    if row.error is not None:
        return _from_error(row, on)
    if row.needs_you or row.state is State.LATE or row.state_rule == 7:
        return _from_state(row, on)
    return None


def support_text(row: KeyRow) -> str:
    """Plain text for a ticket, times in UTC; holds nothing of the key but its label."""
    error = row.error
    lines = [
        (_("Organisation"), row.organisation_name),
        (_("Key"), _key_named(row)),
        (_("Organisation id at Aitronos"), row.organization_id or row.reported_organization_id),
        (_("State"), _state_named(row)),
        (_("Read at"), _utc(row.now)),
        (_("Last check"), _utc(row.checked_at)),
        (_("Last good check"), _utc(row.observed_at)),
        (_("Last sync"), _utc(row.figures.last_sync_at if row.figures else None)),
        (_("Next sync"), _utc(row.figures.next_sync_at if row.figures else None)),
        (_("Call"), f"GET {settings.AITRONOS_API_BASE_URL}/v1/admin/composio/sync/status"),
    ]
    if error is not None:
        lines += [
            (_("Failure"), error.kind),
            (_("HTTP status"), str(error.http_status or "")),
            (_("Code"), error.code),
            (_("Field"), error.field),
            (_("Detail"), error.detail),
            (_("Message"), error.message),
            # As the API names them: whoever reads this looks for these words in their logs.
            ("trace_id", error.trace_id),
            ("x-request-id", error.request_id),
            (_("Failed checks in a row"), str(row.failures or row.refusals or "")),
        ]
    return "\n".join(f"{name}: {value}" for name, value in lines if value)


def _key_named(row: KeyRow) -> str:
    parts = {"label": row.key_label, "id": row.key_id, "version": row.key_version}
    return _("%(label)s (no. %(id)s, version %(version)s)") % parts


def _state_named(row: KeyRow) -> str:
    parts = {"state": row.state.value, "rule": row.state_rule, "since": _utc(row.state_since)}
    return _("%(state)s, rule %(rule)s, since %(since)s") % parts


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else _("never")


def _from_error(row: KeyRow, on: Reading) -> Trouble:
    assert row.error is not None  # noqa: S101  for the type checker: the caller asked
    what = failure(row.error)
    look = pill(row.state)
    calm = not row.needs_you
    since = row.state_since if row.needs_you else row.failing_since or row.checked_at
    return Trouble(
        tone="warn" if calm else look.tone,
        icon="alert-triangle" if calm else look.icon,
        todo=what.todo,
        happened=_happened(what.words, row),
        since=on.both(since) if since else SafeString(""),
        affects=_affects(row, on),
        who=what.who,
        owner=owner_of_trouble(row),
        action=next_action(row),
        loud=not calm,
        details=support_text(row),
    )


def _happened(words: str, row: KeyRow) -> str:
    """In words, unless the headline says them; and what the API says for people to read."""
    own = "" if row.state in PASTE else words
    said = row.error.message if row.error else ""
    if not said or (row.error and row.error.kind == FailureKind.SERVER_ERROR):
        return own
    return f"{own} " + _("Aitronos says: “%(said)s”") % {"said": said}


def _affects(row: KeyRow, on: Reading) -> SafeString:
    if row.state is State.KEY_UNREADABLE or row.refusals >= 2 or row.needs_you:
        scope = _("This key alone: its status is not known until this is solved.")
    else:
        scope = _("What is shown here; the syncs at Aitronos go on without us.")
    if row.observed_at is None:
        return format_html("{}", scope)
    return format_html(
        _("{scope} Shown is the status of {at}."), scope=scope, at=on.at(row.observed_at)
    )


def _from_state(row: KeyRow, on: Reading) -> Trouble:
    look = pill(row.state)
    return Trouble(
        tone=look.tone,
        icon=look.icon,
        todo=_todo(row, look.word),
        happened="",
        since=on.both(row.state_since),
        affects=SafeString(_AFFECTS.get(row.state, lambda: "")()),  # nosec B703
        who=_WHO.get(row.state, lambda: "")(),
        owner=owner_of_trouble(row),
        action=next_action(row),
        loud=row.needs_you,
        details=support_text(row),
    )


def _todo(row: KeyRow, word: str) -> str:
    """What to do, for somebody who may; who may only look is not told to act."""
    if row.state in _BY_OPERATORS and Permission.START_SYNC not in row.permissions:
        return _BY_OPERATORS[row.state]()
    return _TODO.get(row.state, lambda: word)()


_BY_OPERATORS = {
    State.OVERDUE: lambda: _("A sync has to be started."),
    State.NEVER_SYNCED: lambda: _("The first sync has to be started."),
}
_AFFECTS = {
    State.OVERDUE: lambda: _(
        "The tools of this organisation may be out of date until a sync has run."
    ),
    State.NEVER_SYNCED: lambda: _("This organisation may have no connector tools at all yet."),
    State.LATE: lambda: _("Nothing yet: the sync is still within its grace."),
    State.UNKNOWN: lambda: _("What is shown here: it cannot be judged by these times."),
    State.NO_SCHEDULE: lambda: _("Nobody can be told when a sync is missing."),
}
_TODO = {
    State.OVERDUE: lambda: _("Start a sync."),
    State.NEVER_SYNCED: lambda: _("Start the first sync."),
    State.LATE: lambda: _("Nothing to do yet: we look again on our own."),
    State.UNKNOWN: lambda: _("If it goes on, send the details to support."),
    State.NO_SCHEDULE: lambda: _("If syncs should run on a schedule, set one at Aitronos."),
}
_WHO = {
    State.OVERDUE: lambda: _("an operator of this organisation"),
    State.NEVER_SYNCED: lambda: _("an operator of this organisation"),
    State.LATE: lambda: _("nobody needs to act yet"),
    State.UNKNOWN: lambda: _("Aitronos"),
    State.NO_SCHEDULE: lambda: _("whoever sets the schedule at Aitronos"),
}
