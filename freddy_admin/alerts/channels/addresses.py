"""Addresses of channels as people paste them: what each kind takes, and what is told otherwise.

The texts handled here are secrets: no sentence names any part of them but the host.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.alerts.models import ChannelKind
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.network import typed_url_parse

ADDRESS_MAX_LENGTH: Final = 2_000
# Kinds that people add; a person's mail is made by the panel itself.
ADDABLE_KINDS: Final = (
    ChannelKind.WEBHOOK,
    ChannelKind.SLACK,
    ChannelKind.TEAMS,
    ChannelKind.PAGERDUTY,
)
_SLACK_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_RETIRED_TEAMS_HOST: Final = re.compile(r"(.+\.)?webhook\.office(365)?\.com|outlook\.office\.com")
_ROUTING_KEY: Final = re.compile(r"[A-Za-z0-9]{32}")


@dataclass(frozen=True, slots=True)
class AddressParts:
    """An address that may be used, and its host, which is all that is shown of it."""

    address: str = field(repr=False)
    host: str


@sensitive_variables()
def address_clean(*, kind: str, address: str) -> AddressParts:
    """The address of a channel of this kind.

    Raises InvalidInput for `kind` or `channel_address`.
    """
    if kind not in ADDABLE_KINDS:
        raise InvalidInput(_("Choose one of the kinds."), field="kind")
    text = address.strip()
    if not text:
        raise InvalidInput(_("Fill this in."), field="channel_address")
    if kind == ChannelKind.PAGERDUTY:
        return _routing_key(text)
    problem = ""
    try:
        url = typed_url_parse(text)
    except InvalidInput as error:
        problem = error.message
    # Raised here: the exception's context must hold no frame with the address.
    if problem:
        raise InvalidInput(problem, field="channel_address")
    path = url.path.partition("?")[0]
    if kind == ChannelKind.SLACK and not url.is_allowed:
        _slack_validate(url.host, path)
    if kind == ChannelKind.TEAMS and _RETIRED_TEAMS_HOST.fullmatch(url.host):
        raise InvalidInput(
            _(
                "This is the address of an Office 365 connector, which Microsoft has retired. In "
                "Teams, open Workflows, choose “Send webhook alerts to a channel”, and paste its "
                "address."
            ),
            field="channel_address",
        )
    return AddressParts(text, url.host)


@sensitive_variables()
def _routing_key(text: str) -> AddressParts:
    if not _ROUTING_KEY.fullmatch(text):
        raise InvalidInput(
            _(
                "Paste the integration key alone: 32 letters and digits, from an integration of "
                "PagerDuty's “Events API V2”."
            ),
            field="channel_address",
        )
    return AddressParts(text, "PagerDuty")


def _slack_validate(host: str, path: str) -> None:
    if host not in _SLACK_HOSTS or not path.startswith(("/services/", "/workflows/", "/triggers/")):
        raise InvalidInput(
            _("The address of a Slack webhook begins with https://hooks.slack.com/services/."),
            field="channel_address",
        )
    if not path.startswith("/services/"):
        raise InvalidInput(
            _(
                "This starts a workflow of Slack, which takes other fields. Make an incoming "
                "webhook instead: its address begins with https://hooks.slack.com/services/."
            ),
            field="channel_address",
        )


@sensitive_variables()
def address_secret_parts(parts: AddressParts) -> list[str]:
    """The texts that name this address to whoever reads them: it, its path, each long part."""
    split_url = urlsplit(parts.address)
    rest = f"{split_url.path}?{split_url.query}" if split_url.netloc else parts.address
    pieces = re.split(r"[/?&=]", rest)
    return [parts.address, *(piece for piece in pieces if len(piece) >= 16)]
