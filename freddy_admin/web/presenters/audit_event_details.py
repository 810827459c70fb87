"""What was written down beside an event, in words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.audit.repeats import DETAIL_DIFFERING, DETAIL_MORE_TIMES, DETAIL_UNTIL
from freddy_admin.web.presenters.user_time import UserTime


def audit_detail_lines(details: Any, *, tag: str, user_time: UserTime | None = None) -> list[str]:
    """Old and new values, and what else is known, a short line each.

    Times are in the zone of `user_time`; without one, as in a file, in UTC.
    """
    if not isinstance(details, dict):
        return []
    lines = [_repeat_count_line(details, user_time)] if DETAIL_MORE_TIMES in details else []
    changes = details.get("changes")
    if isinstance(changes, dict):
        lines += [_changed_field_line(name, pair) for name, pair in changes.items()]
    if "new" in details:
        detail_name = "role" if tag.startswith("member_") else ""
        lines.append(_old_to_new_text(detail_name, details.get("old"), details["new"]))
    if "enable" in details:
        lines.append(_("on") if details["enable"] else _("off"))
    lines += [
        _name_and_value_text(name, value)
        for name, value in details.items()
        if name not in _HIDDEN_DETAIL_NAMES and value not in (None, "", [], {}, False)
    ]
    return lines


def _repeat_count_line(details: dict[str, Any], user_time: UserTime | None) -> str:
    """`37 more times until 10:12`."""
    number, until = int(details[DETAIL_MORE_TIMES]), str(details.get(DETAIL_UNTIL, ""))
    words = {
        "n": number,
        "time": user_time.format_clock(datetime.fromisoformat(until)) if user_time else until,
    }
    if details.get(DETAIL_DIFFERING):
        return (
            ngettext(
                "once more until %(time)s, in another way",
                "%(n)d more times until %(time)s, in different ways",
                number,
            )
            % words
        )
    return ngettext("once more until %(time)s", "%(n)d more times until %(time)s", number) % words


def _changed_field_line(name: str, pair: Any) -> str:
    if isinstance(pair, list) and len(pair) == 2:
        return _old_to_new_text(name, *pair, has_no_old_value=False)
    return _name_and_value_text(name, pair)


def _old_to_new_text(name: str, old: Any, new: Any, *, has_no_old_value: bool = True) -> str:
    """`name: old → new`, or the new value alone where the event had no old one."""
    head = f"{_detail_name_label(name)}: " if name else ""
    if old is None and has_no_old_value:
        return f"{head}{_detail_value_text(new)}"
    return f"{head}{_detail_value_text(old)} → {_detail_value_text(new)}"


def _name_and_value_text(name: str, value: Any) -> str:
    if value is True:
        return _detail_name_label(name)
    return f"{_detail_name_label(name)}: {_detail_value_text(value)}"


def _detail_name_label(name: str) -> str:
    words = _DETAIL_NAME_LABELS.get(name)
    return words() if words else name.replace("_", " ")


def _detail_value_text(value: Any) -> str:
    if value in (None, "", []):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_detail_value_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(
            f"{_detail_name_label(str(name))} {_detail_value_text(item)}"
            for name, item in value.items()
        )
    words = _DETAIL_VALUE_LABELS.get(str(value))
    return words() if words else str(value)


# Numbers that name a row of the database tell a reader nothing.
_HIDDEN_DETAIL_NAMES = {"key_id", "changes", "old", "new", "enable", "draft_id", "token_id"} | {
    *(DETAIL_MORE_TIMES, DETAIL_UNTIL, DETAIL_DIFFERING)
}

_DETAIL_NAME_LABELS: dict[str, Callable[[], str]] = {
    "added": lambda: _("added"),
    "already_here": lambda: _("already here"),
    "candidates": lambda: _("new keys sealed anew"),
    "days": lambda: _("days until it ends"),
    "drop": lambda: _("left out"),
    "expires_on": lambda: _("expires on"),
    "filters": lambda: _("of them"),
    "from": lambda: _("from"),
    "full": lambda: _("everything anew"),
    "grace_minutes": lambda: _("grace in minutes"),
    "http": lambda: _("HTTP status"),
    "http_status": lambda: _("HTTP status"),
    "import_rows": lambda: _("rows of imports sealed anew"),
    "invited_by": lambda: _("invited by"),
    "keep": lambda: _("to be saved"),
    "keys": lambda: _("keys sealed anew"),
    "kind": lambda: _("kind"),
    "label": lambda: _("label"),
    "method": lambda: _("method"),
    "name": lambda: _("name"),
    "number": lambda: _("how many"),
    "organisation": lambda: _("organisation"),
    "organisations": lambda: _("organisations"),
    "organization_id": lambda: _("id at Aitronos"),
    "outcome": lambda: _("outcome"),
    "owner": lambda: _("owner"),
    "place_ended": lambda: _("it came from"),
    "platform_admin": lambda: _("as a platform admin"),
    "q": lambda: _("search"),
    "reason": lambda: _("reason"),
    "request": lambda: _("request"),
    "role": lambda: _("role"),
    "rows": lambda: _("rows"),
    "scope": lambda: _("scope"),
    "step": lambda: _("at"),
    "tag": lambda: _("what"),
    "tags": lambda: _("tags"),
    "to": lambda: _("to"),
    "to_test": lambda: _("to be tried out"),
    "tool": lambda: _("connector"),
    "unreadable": lambda: _("could not be opened"),
    "version": lambda: _("version"),
    "versions": lambda: _("versions"),
    "was_member": lambda: _("was a member already"),
    "way": lambda: _("by"),
    "who": lambda: _("who"),
}

_DETAIL_VALUE_LABELS: dict[str, Callable[[], str]] = {
    "act": lambda: _("act"),
    "auth_configs": lambda: _("auth configs"),
    "connectors": lambda: _("connectors"),
    "differs": lambda: _("reports something else than expected"),
    "done": lambda: _("done"),
    "failed": lambda: _("failed"),
    "kept": lambda: _("kept"),
    "manager": lambda: _("manager"),
    "nobody decided": lambda: _("nobody decided about it in time"),
    "operator": lambda: _("operator"),
    "panel token": lambda: _("panel token"),
    "password": lambda: _("password"),
    "read": lambda: _("read"),
    "recovery_codes": lambda: _("recovery codes"),
    "refused": lambda: _("refused"),
    "second factor": lambda: _("second factor"),
    "single sign-on": lambda: _("single sign-on"),
    "taken": lambda: _("there is one of this name already"),
    "too often": lambda: _("tried too often"),
    "totp": lambda: _("authenticator app"),
    "unknown": lambda: _("unknown"),
    "untested": lambda: _("could not be tested"),
    "viewer": lambda: _("viewer"),
    "webauthn": lambda: _("passkey"),
}
