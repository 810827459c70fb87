"""Events of the audit log in words: what people did, and what is known of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import DETAIL_DIFFERING, DETAIL_MORE_TIMES, DETAIL_UNTIL
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.wording.events import WRITTEN_AHEAD
from freddy_admin.wording.sentences import (
    Moment,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)


def audit_action(event: AuditEvent) -> Text:
    """What happened, as a phrase that follows a name; the tag where it is of another version."""
    return AUDIT_ACTIONS.get(event.tag, event.tag)


def audit_details(event: AuditEvent, *, is_for_file: bool = False) -> list[Sentence]:
    """Old and new values, and what else is known, a short line each.

    In a file times stand as they were written down, in UTC.
    """
    lines = []
    if isinstance(event.details, dict):
        lines = _details(event.details, event.tag, is_for_file=is_for_file)
    return [*lines, WRITTEN_AHEAD] if clock.is_over_an_hour_in_future(event.at) else lines


def _details(details: dict[str, Any], tag: str, *, is_for_file: bool) -> list[Sentence]:
    lines = [_repeats(details, is_for_file=is_for_file)] if DETAIL_MORE_TIMES in details else []
    changes = details.get("changes")
    if isinstance(changes, dict):
        lines += [
            _named(name, _old_to_new(*pair))
            if isinstance(pair, list) and len(pair) == 2
            else _detail(name, pair)
            for name, pair in changes.items()
        ]
    if "new" in details:
        old, new = details.get("old"), details["new"]
        value = _value(new) if old is None else _old_to_new(old, new)
        lines.append(_named("role", value) if tag.startswith("member_") else value)
    if "enable" in details:
        is_on = bool(details["enable"])
        lines.append(say(_("to be switched on") if is_on else _("to be switched off")))
    lines += [
        _detail(name, value)
        for name, value in details.items()
        if name not in HIDDEN_DETAIL_NAMES and value not in (None, "", [], {}, False)
    ]
    return lines


def _repeats(details: dict[str, Any], *, is_for_file: bool) -> Sentence:
    """`37 more times until 10:12`."""
    until = str(details.get(DETAIL_UNTIL, ""))
    return say_counted(
        _REPEATS_THAT_DIFFER if details.get(DETAIL_DIFFERING) else _REPEATS,
        int(details[DETAIL_MORE_TIMES]),
        time=until if is_for_file else Moment(datetime.fromisoformat(until)),
    )


_REPEATS = ngettext_lazy("once more until {time}", "{n} more times until {time}", "n")
_REPEATS_THAT_DIFFER = ngettext_lazy(
    "once more until {time}, in another way",
    "{n} more times until {time}, in different ways",
    "n",
)


def _old_to_new(old: Any, new: Any) -> Sentence:
    return say("{old} → {new}", old=_value(old), new=_value(new))


def _detail(name: str, value: Any) -> Sentence:
    return say(_label(name)) if value is True else _named(name, _value(value))


def _named(name: str, value: Sentence) -> Sentence:
    return say(_("{name}: {value}"), name=_label(name), value=value)


def _label(name: str) -> Text:
    return DETAIL_LABELS.get(name, name.replace("_", " "))


def _value(value: Any) -> Sentence:
    if value in (None, "", []):
        return say(_("nothing"))
    if isinstance(value, bool):
        return say(_("yes") if value else _("no"))
    if isinstance(value, list):
        return say("{all}", all=Phrases(tuple(_value(item) for item in value), ", "))
    if isinstance(value, dict):
        pairs = (
            say("{name} {value}", name=_label(str(name)), value=_value(item))
            for name, item in value.items()
        )
        return say("{all}", all=Phrases(tuple(pairs), ", "))
    return say("{value}", value=VALUE_LABELS.get(str(value), str(value)))


AUDIT_ACTIONS: Final[Mapping[str, Text]] = {
    AuditTag.SIGNED_IN: _("signed in"),
    AuditTag.SIGNED_OUT: _("signed out"),
    AuditTag.SIGN_IN_FAILED: _("could not sign in"),
    AuditTag.CONFIRMATION_FAILED: _("could not confirm who they are"),
    AuditTag.SESSIONS_ENDED: _("ended a sign-in on another device"),
    AuditTag.PASSWORD_CHANGED: _("changed a password"),
    AuditTag.SECOND_FACTOR_ADDED: _("set up a second factor"),
    AuditTag.SECOND_FACTOR_REMOVED: _("removed a second factor"),
    AuditTag.SECOND_FACTOR_CHANGED: _("changed a second factor"),
    AuditTag.SECOND_FACTOR_LIMITED: _("tried so many wrong codes that no more are taken for a day"),
    AuditTag.SINGLE_SIGN_ON_LINKED: _("linked an account to single sign-on"),
    AuditTag.SINGLE_SIGN_ON_UNLINKED: _("unlinked an account from single sign-on"),
    AuditTag.PERSON_CREATED: _("created a person"),
    AuditTag.PERSON_CHANGED: _("changed a person's settings"),
    AuditTag.VIEW_KEPT: _("kept a view of the overview"),
    AuditTag.VIEW_REMOVED: _("removed a view of the overview"),
    AuditTag.TOKEN_CREATED: _("created a panel token"),
    AuditTag.TOKEN_REVOKED: _("revoked a panel token"),
    AuditTag.ORGANISATION_CREATED: _("added an organisation"),
    AuditTag.ORGANISATION_RENAMED: _("renamed an organisation"),
    AuditTag.ORGANISATION_RENAME_REFUSED: _("was refused a name for an organisation"),
    AuditTag.ORGANISATION_REMOVED: _("removed an organisation"),
    AuditTag.MEMBER_ADDED: _("added a member"),
    AuditTag.MEMBER_CHANGED: _("changed a member's role"),
    AuditTag.MEMBER_REMOVED: _("removed a member"),
    AuditTag.MEMBER_LEFT: _("left the organisation"),
    AuditTag.MEMBER_INVITED: _("invited somebody"),
    AuditTag.INVITATION_RESENT: _("asked for an invitation to be sent again"),
    AuditTag.INVITATION_SENT: _("sent an invitation by mail"),
    AuditTag.INVITATION_WITHDRAWN: _("withdrew an invitation"),
    AuditTag.INVITATION_ACCEPTED: _("accepted an invitation"),
    AuditTag.ADMIN_MADE: _("made somebody a platform admin"),
    AuditTag.ADMIN_UNMADE: _("took the platform admin's rights from somebody"),
    AuditTag.PERSON_SWITCHED_OFF: _("switched a person's account off"),
    AuditTag.PERSON_SWITCHED_ON: _("switched a person's account on"),
    AuditTag.PERSON_REMOVED: _("removed a person"),
    AuditTag.PERSON_EXPORTED: _("exported what is kept about a person"),
    AuditTag.ORGANISATION_EXPORTED: _("exported an organisation"),
    AuditTag.KEY_ADDED: _("added an API key"),
    AuditTag.KEY_TESTED: _("tested a new API key"),
    AuditTag.KEY_KEPT_UNTESTED: _("kept an API key that could not be tested"),
    AuditTag.KEY_KEPT_DIFFERING: _("kept an API key whose figures differ"),
    AuditTag.KEY_KEPT_REFUSED: _("kept an API key that Aitronos refused, to be tried every hour"),
    AuditTag.KEY_REPLACEMENT_REQUESTED: _("asked to replace an API key"),
    AuditTag.KEY_REPLACED: _("replaced an API key"),
    AuditTag.KEY_CANDIDATE_DISCARDED: _("threw a new API key away"),
    AuditTag.KEY_CHANGED: _("changed an API key's details"),
    AuditTag.KEY_PAUSED: _("paused an API key"),
    AuditTag.KEY_RESUMED: _("resumed an API key"),
    AuditTag.KEY_REVOKED: _("revoked an API key"),
    AuditTag.KEYS_IMPORTED: _("imported API keys"),
    AuditTag.KEYS_IMPORT_OPENED: _("pasted many API keys to be tried out"),
    AuditTag.KEYS_IMPORT_CONFIRMED: _("confirmed an import of API keys"),
    AuditTag.KEYS_IMPORT_DISCARDED: _("threw an import of API keys away"),
    AuditTag.CHECK_REQUESTED: _("asked for a check"),
    AuditTag.SYNC_REQUESTED: _("asked for a sync to be started"),
    AuditTag.SYNC_ENDED: _("got the answer to a sync that was asked for"),
    AuditTag.CONNECTOR_SWITCH_REQUESTED: _("asked for a connector to be switched"),
    AuditTag.CONNECTOR_SWITCH_ENDED: _("got the answer to a connector's switching"),
    AuditTag.EXPORTED: _("exported"),
    AuditTag.ACCESS_DENIED: _("was refused"),
    AuditTag.CHANNEL_CREATED: _("added an alert channel"),
    AuditTag.CHANNEL_CHANGED: _("renamed an alert channel"),
    AuditTag.CHANNEL_ADDRESS_REPLACED: _("replaced the address of an alert channel"),
    AuditTag.CHANNEL_SECRET_ROTATED: _("rotated the signing secret of an alert channel"),
    AuditTag.CHANNEL_FORMER_SECRETS_ENDED: _("ended former signing secrets of an alert channel"),
    AuditTag.CHANNEL_ENABLED: _("switched an alert channel on"),
    AuditTag.CHANNEL_DISABLED: _("switched an alert channel off"),
    AuditTag.CHANNEL_DELETED: _("deleted an alert channel"),
    AuditTag.CHANNEL_TESTED: _("tested an alert channel"),
    AuditTag.CLOCK_CONFIRMED: _("confirmed that the machine's clock is right"),
    AuditTag.PANEL_CONFIRMED: _("confirmed that this is the panel and no copy of it"),
    AuditTag.MASTER_KEY_ROTATED: _("sealed keys anew with another master key"),
    AuditTag.ALERT_RULE_CREATED: _("made an alert rule"),
    AuditTag.ALERT_RULE_CHANGED: _("changed an alert rule"),
    AuditTag.ALERT_RULE_REMOVED: _("removed an alert rule"),
    AuditTag.INCIDENT_ACKNOWLEDGED: _("acknowledged an incident"),
    AuditTag.INCIDENT_UNACKNOWLEDGED: _("withdrew the acknowledgement of an incident"),
    AuditTag.INCIDENT_ASSIGNED: _("assigned an incident"),
    AuditTag.INCIDENT_UNASSIGNED: _("took an incident from somebody"),
    AuditTag.INCIDENT_NOTED: _("added a note to an incident"),
    AuditTag.INCIDENT_MUTED: _("muted an incident"),
    AuditTag.INCIDENT_UNMUTED: _("ended the mute of an incident"),
    AuditTag.WINDOW_CREATED: _("planned a maintenance window"),
    AuditTag.WINDOW_CHANGED: _("changed a maintenance window"),
    AuditTag.WINDOW_DELETED: _("ended a maintenance window"),
}

# Numbers that name a row of the database tell a reader nothing.
HIDDEN_DETAIL_NAMES = {"key_id", "changes", "old", "new", "enable", "draft_id", "token_id"} | {
    *(DETAIL_MORE_TIMES, DETAIL_UNTIL, DETAIL_DIFFERING)
}

DETAIL_LABELS: Final[Mapping[str, Text]] = {
    "added": _("added"),
    "already_here": _("already here"),
    "asked_by": _("asked for by"),
    "assignee": _("assigned to"),
    "causes_only": _("common causes alone"),
    "channels": _("channels"),
    "candidates": _("new keys sealed anew"),
    "channel_secrets": _("channels' secrets sealed anew"),
    "channel_kind": _("kind"),
    "days": _("days until it ends"),
    "delay_minutes": _("delay in minutes"),
    "drop": _("left out"),
    "enabled": _("switched on"),
    "expires_on": _("expires on"),
    "filters": _("filters"),
    "from": _("first day"),
    "full": _("everything anew"),
    "grace_minutes": _("grace in minutes"),
    "host": _("host"),
    "http": _("HTTP status"),
    "http_status": _("HTTP status"),
    "import_rows": _("rows of imports sealed anew"),
    "invited_by": _("invited by"),
    "keep": _("to be saved"),
    "keys": _("keys sealed anew"),
    "kind": _("kind"),
    "label": _("label"),
    "last_day": _("last day"),
    "method": _("method"),
    "minutes": _("minutes"),
    "muted_until": _("muted until"),
    "name": _("name"),
    "number": _("how many"),
    "organisation": _("organisation"),
    "organisations": _("organisations"),
    "organization_id": _("id at Aitronos"),
    "outcome": _("outcome"),
    "owner": _("owner"),
    "place_ended": _("it came from"),
    "platform_admin": _("as a platform admin"),
    "q": _("search"),
    "quiet_from": _("quiet from"),
    "quiet_until": _("quiet until"),
    "reason": _("reason"),
    "recurrence": _("how often"),
    "request": _("request"),
    "role": _("role"),
    "roles": _("roles"),
    "rows": _("rows"),
    "scope": _("scope"),
    "sends_reminders": _("reminders"),
    "severity": _("severity"),
    "starts": _("starts"),
    "step": _("step"),
    "tag": _("what"),
    "tags": _("tags"),
    "to": _("last day"),
    "to_test": _("to be tried out"),
    "tool": _("connector"),
    "unreadable": _("could not be opened"),
    "version": _("version"),
    "versions": _("versions"),
    "was_member": _("was a member already"),
    "way": _("sign-in method"),
    "who": _("who"),
    "with_tag": _("only keys with the tag"),
    "zone": _("time zone"),
}

VALUE_LABELS: Final[Mapping[str, Text]] = {
    "act": _("act"),
    "action_needed": _("action needed"),
    "auth_configs": _("auth configs"),
    "connectors": _("connectors"),
    "differs": _("reports something else than expected"),
    "done": _("done"),
    "failed": _("failed"),
    "kept": _("kept"),
    "manager": _("manager"),
    "once": _("once"),
    "nobody decided": _("nobody decided about it in time"),
    "operator": _("operator"),
    "panel token": _("panel token"),
    "password": _("password"),
    "platform_admin": _("platform admin"),
    "read": _("read"),
    "recovery_codes": _("recovery codes"),
    "refused": _("refused"),
    "retried": _("tried every hour beside the present key"),
    "second factor": _("second factor"),
    "single sign-on": _("single sign-on"),
    "taken": _("there is one of this name already"),
    "too often": _("tried too often"),
    "totp": _("authenticator app"),
    "unknown": _("unknown"),
    "untested": _("could not be tested"),
    "viewer": _("viewer"),
    "warning": _("warning"),
    "webauthn": _("passkey"),
    "weekly": _("every week"),
}
