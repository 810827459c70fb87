"""The problem panel: what happened, since when, what it affects, who can fix it, one button."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.key_actions import (
    NEW_SECRET_STATES,
    ActionButton,
    next_step_button,
)
from freddy_admin.web.presenters.key_owner import owner_to_ask_about_problem_sentence
from freddy_admin.web.presenters.state_pill import state_pill
from freddy_admin.web.presenters.user_time import UserTime


@dataclass(frozen=True, slots=True)
class ProblemPanel:
    """What to do, four answers, one button (`is_prominent` where it is needed), support text.

    `what_happened` is empty where the headline above the panel says it, `owner` where asking the
    person who looks after the key would not help.
    """

    tone: str
    icon: str
    advice: str
    what_happened: str
    since: SafeString
    affected_scope: SafeString
    responsible_party: str
    action: ActionButton | None
    is_prominent: bool
    support_text: str
    owner: str = ""


def problem_panel(row: KeyRow, user_time: UserTime) -> ProblemPanel | None:
    """The panel, or None where nothing is wrong."""
    if row.state is HealthState.PAUSED:
        return None
    if row.error is not None:
        return _problem_from_error(row, user_time)
    if row.needs_action or row.state is HealthState.LATE or row.state_rule == 7:
        return _problem_from_state(row, user_time)
    return None


def support_text(row: KeyRow) -> str:
    """Plain text for a ticket, times in UTC; holds nothing of the key but its label."""
    error = row.error
    lines = [
        (_("Organisation"), row.organisation_name),
        (_("Key"), _key_identity_text(row)),
        (_("Organisation id at Aitronos"), row.organization_id or row.reported_organization_id),
        (_("State"), _state_identity_text(row)),
        (_("Read at"), _format_utc(row.now)),
        (_("Last check"), _format_utc(row.checked_at)),
        (_("Last good check"), _format_utc(row.observed_at)),
        (_("Last sync"), _format_utc(row.figures.last_sync_at if row.figures else None)),
        (_("Next sync"), _format_utc(row.figures.next_sync_at if row.figures else None)),
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


def _key_identity_text(row: KeyRow) -> str:
    parts = {"label": row.key_label, "id": row.key_id, "version": row.key_version}
    return _("%(label)s (no. %(id)s, version %(version)s)") % parts


def _state_identity_text(row: KeyRow) -> str:
    parts = {
        "state": row.state.value,
        "rule": row.state_rule,
        "since": _format_utc(row.state_since),
    }
    return _("%(state)s, rule %(rule)s, since %(since)s") % parts


def _format_utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else _("never")


def _problem_from_error(row: KeyRow, user_time: UserTime) -> ProblemPanel:
    assert row.error is not None  # noqa: S101  for the type checker: the caller asked
    failure = failure_wording(row.error)
    pill = state_pill(row.state)
    is_calm = not row.needs_action
    since = row.state_since if row.needs_action else row.failing_since or row.checked_at
    return ProblemPanel(
        tone="warn" if is_calm else pill.tone,
        icon="alert-triangle" if is_calm else pill.icon,
        advice=failure.advice,
        what_happened=_what_happened(failure.words, row),
        since=user_time.render_relative_and_clock(since) if since else SafeString(""),
        affected_scope=_affected_scope(row, user_time),
        responsible_party=failure.responsible_party,
        owner=owner_to_ask_about_problem_sentence(row),
        action=next_step_button(row),
        is_prominent=not is_calm,
        support_text=support_text(row),
    )


def _what_happened(words: str, row: KeyRow) -> str:
    """The failure's words, unless the headline has them, and the message of the API."""
    own_words = "" if row.state in NEW_SECRET_STATES else words
    message = row.error.message if row.error else ""
    if not message or (row.error and row.error.kind == FailureKind.SERVER_ERROR):
        return own_words
    return f"{own_words} " + _("Aitronos says: “%(said)s”") % {"said": message}


def _affected_scope(row: KeyRow, user_time: UserTime) -> SafeString:
    if row.state is HealthState.KEY_UNREADABLE or row.refusals >= 2 or row.needs_action:
        scope = _("This key alone: its status is not known until this is solved.")
    else:
        scope = _("What is shown here; the syncs at Aitronos go on without us.")
    if row.observed_at is None:
        return format_html("{}", scope)
    return format_html(
        _("{scope} Shown is the status of {at}."),
        scope=scope,
        at=user_time.render_clock(row.observed_at),
    )


def _problem_from_state(row: KeyRow, user_time: UserTime) -> ProblemPanel:
    pill = state_pill(row.state)
    return ProblemPanel(
        tone=pill.tone,
        icon=pill.icon,
        advice=_advice(row, pill.word),
        what_happened="",
        since=user_time.render_relative_and_clock(row.state_since),
        affected_scope=SafeString(_SCOPE_BY_STATE.get(row.state, lambda: "")()),  # nosec B703
        responsible_party=_RESPONSIBLE_PARTY_BY_STATE.get(row.state, lambda: "")(),
        owner=owner_to_ask_about_problem_sentence(row),
        action=next_step_button(row),
        is_prominent=row.needs_action,
        support_text=support_text(row),
    )


def _advice(row: KeyRow, word: str) -> str:
    """What to do; in the passive for a user who may not start a sync."""
    if row.state in _PASSIVE_ADVICE_BY_STATE and Permission.START_SYNC not in row.permissions:
        return _PASSIVE_ADVICE_BY_STATE[row.state]()
    return _ADVICE_BY_STATE.get(row.state, lambda: word)()


_PASSIVE_ADVICE_BY_STATE = {
    HealthState.OVERDUE: lambda: _("A sync has to be started."),
    HealthState.NEVER_SYNCED: lambda: _("The first sync has to be started."),
}
_SCOPE_BY_STATE = {
    HealthState.OVERDUE: lambda: _(
        "The tools of this organisation may be out of date until a sync has run."
    ),
    HealthState.NEVER_SYNCED: lambda: _(
        "This organisation may have no connector tools at all yet."
    ),
    HealthState.LATE: lambda: _("Nothing yet: the sync is still within its grace."),
    HealthState.UNKNOWN: lambda: _("What is shown here: it cannot be judged by these times."),
    HealthState.NO_SCHEDULE: lambda: _("Nobody can be told when a sync is missing."),
}
_ADVICE_BY_STATE = {
    HealthState.OVERDUE: lambda: _("Start a sync."),
    HealthState.NEVER_SYNCED: lambda: _("Start the first sync."),
    HealthState.LATE: lambda: _("Nothing to do yet: we look again on our own."),
    HealthState.UNKNOWN: lambda: _("If it goes on, send the details to support."),
    HealthState.NO_SCHEDULE: lambda: _("If syncs should run on a schedule, set one at Aitronos."),
}
_RESPONSIBLE_PARTY_BY_STATE = {
    HealthState.OVERDUE: lambda: _("an operator of this organisation"),
    HealthState.NEVER_SYNCED: lambda: _("an operator of this organisation"),
    HealthState.LATE: lambda: _("nobody needs to act yet"),
    HealthState.UNKNOWN: lambda: _("Aitronos"),
    HealthState.NO_SCHEDULE: lambda: _("whoever sets the schedule at Aitronos"),
}
