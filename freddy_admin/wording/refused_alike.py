"""Keys that Aitronos refuses in the same way: said once, with the settings to try."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.conf.api_environments import (
    DEFAULT_ENVIRONMENT,
    ApiEnvironment,
    api_environments,
)
from freddy_admin.sync.refusals import NOBODY_ALLOWED_REFUSAL
from freddy_admin.sync.status.refused_alike import RefusedGroup
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.wording.environments import call_lines, environment_label, is_environment_shown
from freddy_admin.wording.failures import failure_wording, quoted_message
from freddy_admin.wording.next_steps import SYNC_STATUS_API_PATH
from freddy_admin.wording.notices import NoticeWording
from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import Sentence, Text, render_text, say, say_counted
from freddy_admin.wording.states import BAD

# The names that the API's documents and the vendor's own programs use for the key's header.
_KNOWN_HEADERS = ("X-API-Key", "api-key")
_PRODUCTION, _STAGING = "https://api.aitronos.com", "https://staging-api.aitronos.com"
_SAMPLES = 3
_ENVIRONMENTS = "AITRONOS_ENVIRONMENTS"
_YOUR_KEYS: Final[Any] = ngettext_lazy(
    "Your {n} key is refused in the same way: probably the header or a right at the platform, not "
    "the keys",
    "Your {n} keys are refused in the same way: probably the header or a right at the platform, "
    "not the keys",
    "n",
)
_YOUR_KEYS_OF: Final[Any] = ngettext_lazy(
    "Your {n} key of {place} is refused in the same way: probably the header or a right at the "
    "platform, not the keys",
    "Your {n} keys of {place} are refused in the same way: probably the header or a right at the "
    "platform, not the keys",
    "n",
)
_PANELS_KEYS: Final[Text] = _(
    "At least half of this panel's keys are refused in the same way: probably the header or a "
    "right at the platform, not the keys"
)
_KEYS_OF: Final[Text] = _(
    "At least half of the keys of {place} are refused in the same way: probably the header or a "
    "right at the platform, not the keys"
)


def refused_title(group: RefusedGroup) -> Sentence:
    """That many keys are refused in the same way, in a line; numbers only of what is seen."""
    place = _group_place(group)
    if group.tells_number:
        text = _YOUR_KEYS_OF if place else _YOUR_KEYS
        return say_counted(text, group.keys, place=place)
    return say(_KEYS_OF if place else _PANELS_KEYS, place=place)


def _group_place(group: RefusedGroup) -> str:
    """Whose keys of which environment they are; "" for all keys where there is one environment."""
    at_aitronos = say(_("{organisation} at Aitronos"), organisation=group.organization_id)
    parts = [str(at_aitronos)] if group.organization_id else []
    if is_environment_shown(group.environment):
        parts.append(environment_label(group.environment))
    return ", ".join(parts)


def refused_reason(group: RefusedGroup, message: str = "") -> tuple[Sentence, ...]:
    """What Aitronos answers each time, and its own words."""
    kind = FailureKind.KEY_REFUSED if group.http_status == 401 else FailureKind.KEY_NOT_PERMITTED
    failure = failure_wording(CheckError(kind, group.code, group.http_status))
    answer = say(
        _("Aitronos answers each time: {reason} ({answer})."),
        reason=failure.brief,
        answer=group.refusal,
    )
    return (answer, quoted_message(message)) if message else (answer,)


def settings_to_try(group: RefusedGroup) -> tuple[Sentence, ...]:
    """Which settings may be wrong and what to try; none where it is not for us to mend."""
    if group.refusal == NOBODY_ALLOWED_REFUSAL:
        return (say(_("Aitronos allows this to nobody at present: we try again on our own.")),)
    place = api_environments().get(group.environment)
    if place is None:
        text = _("Try {setting}: it names no {environment}, and its keys are not called.")
        return (say(text, setting=_ENVIRONMENTS, environment=group.environment),)
    header_setting, address_setting = "AITRONOS_API_KEY_HEADER", "AITRONOS_API_BASE_URL"
    if place.name != DEFAULT_ENVIRONMENT:
        address_setting = f"{_ENVIRONMENTS}, {place.name}"
        header_setting = f"{address_setting}.header"
    return _header_to_try(place, header_setting), _address_to_try(place, address_setting)


def _header_to_try(place: ApiEnvironment, setting: str) -> Sentence:
    sent = {name.casefold() for name in place.key_headers}
    untried = [name for name in _KNOWN_HEADERS if name.casefold() not in sent]
    names = ", ".join(place.key_headers)
    if untried:
        text = _("Try {setting}: the key is sent as {names}; Aitronos knows {untried}.")
        return say(text, setting=setting, names=names, untried=", ".join(untried))
    text = _("{setting}: the key is sent as {names}, all names we know of.")
    return say(text, setting=setting, names=names)


def _address_to_try(place: ApiEnvironment, setting: str) -> Sentence:
    url = place.base_url
    other = {_PRODUCTION: _STAGING, _STAGING: _PRODUCTION}.get(f"https://{urlsplit(url).hostname}")
    if other is None:
        text = _("Try {setting}: it is {url}, and a key works only where it was made.")
        return say(text, setting=setting, url=url)
    text = _("Try {setting}: it is {url}, where keys made at {other} are refused.")
    return say(text, setting=setting, url=url, other=other)


def refused_next_move(group: RefusedGroup) -> Sentence:
    """What this reader does about it."""
    if not group.is_readers_move:
        text = _(
            "This is for the people who run this panel, with Aitronos: nobody needs to replace a "
            "key."
        )
    elif group.refusal == NOBODY_ALLOWED_REFUSAL:
        text = _("Send the details to support if it goes on.")
    else:
        text = _(
            "After a change restart the panel: all these keys are then tried at once. If they are "
            "refused still, send the details to support."
        )
    return say(text)


_OTHERS: Final[Any] = ngettext_lazy(
    "{first} and {n} other key: refused in the same way, as said above.",
    "{first} and {n} other keys: refused in the same way, as said above.",
    "n",
)


def refused_card_sentence(rows: Sequence[KeyRow], count: int) -> Sentence:
    """Whose keys they are; `rows` are some of these `count`, at least one."""
    first = rows[0].organisation_name
    if count < 2:
        return say(_("{first}: refused in the same way, as said above."), first=first)
    return say_counted(_OTHERS, count - 1, first=first)


def refused_notice(group: RefusedGroup, rows: Sequence[KeyRow], now: datetime) -> NoticeWording:
    """The banner for one reader; `rows` are the keys on the page, some of this group."""
    refusals = [
        (row, row.error)
        for row in rows
        if row.refused_group == group and row.error and row.error.http_status == group.http_status
    ]
    message = next((error.message for _row, error in refusals if error.message), "")
    samples = [
        refusal_sample(row.checked_at, error.trace_id, error.request_id) for row, error in refusals
    ]
    return NoticeWording(
        kind="_".join(
            map(
                str,
                ("refused", group.environment, group.refusal, group.organization_id, group.keys),
            )
        ),
        tone=BAD,
        icon="shield-x",
        title=refused_title(group),
        words=(
            *refused_reason(group, message),
            *settings_to_try(group),
            refused_next_move(group),
        ),
        support_text=refused_support_text(group, message=message, samples=samples, now=now),
    )


def refusal_sample(checked_at: datetime | None, trace_id: str, request_id: str) -> str:
    """One refusal as support finds it: when it was, and under which ids."""
    ids = {"trace_id": trace_id, "x-request-id": request_id}
    known = [f"{name} {value}" for name, value in ids.items() if value]
    return ", ".join([f"{checked_at:%Y-%m-%dT%H:%M:%SZ}" if checked_at else "", *known])


_PROBABLY: Final = _("Probably the header or a right at the platform is the cause, not the keys.")
REFUSED_FILTER: Final = _("Refused in the same way")
_REFUSED_ALIKE: Final[Any] = ngettext_lazy(
    "{n} key refused in the same way", "{n} keys refused in the same way", "n"
)


def refused_keys_wording(group: RefusedGroup, message: str) -> PartWording:
    """The group as a part of the system page, for platform admins."""
    return PartWording(
        "key",
        _("API keys"),
        BAD,
        say_counted(_REFUSED_ALIKE, group.keys),
        (say(_PROBABLY), *refused_reason(group, message), refused_next_move(group)),
        settings_to_try(group),
    )


def refused_finding(groups: Sequence[RefusedGroup]) -> str:
    """What `doctor` says: how many keys are refused, how, and what to try."""
    return " ".join(
        f"{refused_title(group)}. {render_text((*refused_reason(group), *settings_to_try(group)))}"
        for group in groups
    )


def refused_notices(rows: Sequence[KeyRow], now: datetime) -> list[NoticeWording]:
    """The banners of the groups that these keys are in."""
    groups = dict.fromkeys(row.refused_group for row in rows if row.refused_group)
    return [refused_notice(group, rows, now) for group in groups if group]


def refused_support_text(
    group: RefusedGroup, *, message: str, samples: Sequence[str], now: datetime
) -> str:
    """One text for all keys of the group; nothing of a key, and no organisation's name."""
    lines: list[tuple[Text, object]] = [
        (_("Keys refused in the same way"), group.keys),
        (_("HTTP status"), group.http_status),
        (_("Code"), group.code),
        (_("Message"), message),
        (_("Organisation id at Aitronos"), group.organization_id),
        *call_lines(group.environment, SYNC_STATUS_API_PATH),
        (_("Read at"), f"{now:%Y-%m-%dT%H:%M:%SZ}"),
        *((_("Refused"), sample) for sample in samples[:_SAMPLES]),
    ]
    return "\n".join(f"{name}: {value}" for name, value in lines if value)
