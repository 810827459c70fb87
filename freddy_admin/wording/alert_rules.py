"""Alert rules in sentences: who is told, of what, when, and when not.

Roles and severities are the values that are stored; "platform_admin" stands beside the roles.
"""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.wording.sentences import EMPTY, Phrases, Sentence, Text, say, say_counted

RULES_EXPLAINED: Final = say(
    _(
        "A first message waits a minute, so that what belongs together is one message; what is "
        "over by then is not told. Whoever was told that something broke is told that it is well "
        "again, whatever is muted or acknowledged in between."
    )
)
DEFAULT_RULE_EXPLAINED: Final = say(
    _("No rule was made here, so the default one counts. It ends with the first rule you make.")
)
NOBODY_TOLD: Final = say(_("Every rule here is switched off: nobody is told anything by them."))
FLEET_RULES_EXPLAINED: Final = say(
    _("Platform admins may be told, too, by rules of the whole panel, which they look after.")
)
OTHERS_HAVE_DEFAULT: Final = say(
    _("Without rules of its own, an organisation has its managers told by mail of what needs them.")
)


def rule_sentences(
    *, severity: str, causes_only: bool, roles: Sequence[str], channels: Sequence[str]
) -> tuple[Sentence, ...]:
    """Who is told by a rule, and of what."""
    return _receivers(roles, channels), say(_OF_CAUSES if causes_only else _OF_SEVERITY[severity])


def rule_timing(*, delay_minutes: int, sends_reminders: bool) -> tuple[Sentence, ...]:
    """How soon a rule tells, and how often."""
    soon = say_counted(_DELAYED, delay_minutes) if delay_minutes else say(_AT_ONCE)
    return soon, say(_REMINDERS if sends_reminders else _NO_REMINDERS)


def rule_quiet_hours(start: time | None, end: time | None, zone: str) -> Sentence:
    """When a rule tells nothing; empty where it has no quiet hours."""
    if start is None or end is None:
        return EMPTY
    clock = "%H:%M"
    return say(_QUIET, start=start.strftime(clock), end=end.strftime(clock), zone=zone)


def _receivers(roles: Sequence[str], channels: Sequence[str]) -> Sentence:
    named = [say(_("{channel}"), channel=channel) for channel in channels]
    people = [say(text) for role, text in ROLE_RECEIVERS.items() if role in roles]
    return say(_("Tells {all}."), all=Phrases((*people, *named), ", "))


ROLE_RECEIVERS: Final[Mapping[str, Text]] = {
    "platform_admin": _("platform admins by mail"),
    "manager": _("the managers by mail"),
    "operator": _("the operators by mail"),
    "viewer": _("the viewers by mail"),
}
_OF_SEVERITY: Final[Mapping[str, Text]] = {
    "action_needed": _("Of what needs action: a key to be replaced, a sync to be started."),
    "warning": _("Of what needs action, and of warnings: keys whose state is unknown."),
}
_OF_CAUSES: Final = _(
    "Only of what organisations have in common: Aitronos cannot be reached, keys are refused "
    "alike, the master key does not fit. One message for all of them."
)
_AT_ONCE: Final = _("A minute after it was noticed.")
_DELAYED: Final[Any] = ngettext_lazy(
    "Only if it lasts: {n} minute after the first one.",
    "Only if it lasts: {n} minutes after the first one.",
    "n",
)
_REMINDERS: Final = _(
    "Reminders after 1 hour, 4 hours and 24 hours, then daily, until somebody acknowledges it."
)
_NO_REMINDERS: Final = _("No reminders.")
_QUIET: Final = _(
    "Quiet from {start} to {end} ({zone}): what is still true is told at the end of them."
)
