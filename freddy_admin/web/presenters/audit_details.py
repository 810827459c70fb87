"""What was written down beside an event, in words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.audit.repeats import DIFFERING, MORE_TIMES, UNTIL
from freddy_admin.web.presenters.times import Reading


def details_lines(details: Any, *, tag: str, on: Reading | None = None) -> list[str]:
    """Old and new values, and what else is known, a short line each.

    Times are those of the reader `on`; of a file, in UTC.
    """
    if not isinstance(details, dict):
        return []
    lines = [_again(details, on)] if MORE_TIMES in details else []
    changes = details.get("changes")
    if isinstance(changes, dict):
        lines += [_change(name, pair) for name, pair in changes.items()]
    if "new" in details:
        what = "role" if tag.startswith("member_") else ""
        lines.append(_turned(what, details.get("old"), details["new"]))
    if "enable" in details:
        lines.append(_("on") if details["enable"] else _("off"))
    lines += [
        _named(name, value)
        for name, value in details.items()
        if name not in _HIDDEN and value not in (None, "", [], {}, False)
    ]
    return lines


def _again(details: dict[str, Any], on: Reading | None) -> str:
    """`37 more times until 10:12`."""
    number, until = int(details[MORE_TIMES]), str(details.get(UNTIL, ""))
    words = {"n": number, "time": on.clock(datetime.fromisoformat(until)) if on else until}
    if details.get(DIFFERING):
        return (
            ngettext(
                "once more until %(time)s, in another way",
                "%(n)d more times until %(time)s, in different ways",
                number,
            )
            % words
        )
    return ngettext("once more until %(time)s", "%(n)d more times until %(time)s", number) % words


def _change(name: str, pair: Any) -> str:
    if isinstance(pair, list) and len(pair) == 2:
        return _turned(name, *pair, began=False)
    return _named(name, pair)


def _turned(name: str, old: Any, new: Any, *, began: bool = True) -> str:
    """What began with an event had no value before it."""
    head = f"{_name(name)}: " if name else ""
    if old is None and began:
        return f"{head}{_value(new)}"
    return f"{head}{_value(old)} → {_value(new)}"


def _named(name: str, value: Any) -> str:
    if value is True:
        return _name(name)
    return f"{_name(name)}: {_value(value)}"


def _name(name: str) -> str:
    words = _NAMES.get(name)
    return words() if words else name.replace("_", " ")


def _value(value: Any) -> str:
    if value in (None, "", []):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{_name(str(name))} {_value(one)}" for name, one in value.items())
    words = _VALUES.get(str(value))
    return words() if words else str(value)


# Numbers that name a row of the database tell a reader nothing.
_HIDDEN = {"key_id", "changes", "old", "new", "enable", "draft_id", "token_id"} | {
    *(MORE_TIMES, UNTIL, DIFFERING)
}

_NAMES: dict[str, Callable[[], str]] = {
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

_VALUES: dict[str, Callable[[], str]] = {
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
