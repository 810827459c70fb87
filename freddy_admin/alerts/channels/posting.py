"""Sends one body to a channel's address, and says what came of it; for the worker alone.

The address is opened for this one request. No transaction is open meanwhile.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from freddy_admin.alerts.channels.answers import (
    ChannelAnswer,
    ChannelFailure,
    ChannelNotSent,
    answer_failure,
    answer_line,
)
from freddy_admin.alerts.channels.text_limits import body_bytes
from freddy_admin.alerts.models import Channel
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.network import (
    HttpAnswer,
    TransportError,
    operator_url_post,
    typed_url_post,
)
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.vault.models import ChannelSecret
from freddy_admin.vault.opening import (
    ChannelSecretUnreadable,
    MasterKeyMisfit,
    channel_secret_open,
)
from freddy_admin.vault.services.channel_secrets import (
    channel_address_get,
    channel_signing_secrets_valid,
)

Headers = Mapping[str, str]
# What the other side said of a message, in its own words; None where its status says all.
Judge = Callable[[HttpAnswer], ChannelFailure | None]
_JSON: Final = {"Content-Type": "application/json"}


@sensitive_variables()
def channel_address_open(channel: Channel) -> str:
    """The channel's address, for one request. Raises ChannelNotSent."""
    row = channel_address_get(channel_id=channel.pk)
    if row is None:
        raise ChannelNotSent(ChannelFailure.NO_ADDRESS)
    return _secrets_open([row])[0]


@sensitive_variables()
def channel_signing_secrets_open(channel: Channel, now: datetime) -> list[str]:
    """The signing secrets valid at this moment, the present one first. Raises ChannelNotSent."""
    rows = channel_signing_secrets_valid(channel_id=channel.pk, now=now)
    if not rows:
        raise ChannelNotSent(ChannelFailure.NO_ADDRESS)
    return _secrets_open(rows)


@sensitive_variables()
def _secrets_open(rows: list[ChannelSecret]) -> list[str]:
    master_key_state()  # loads the canaries that tell a misfit from a damaged row
    failure = ChannelFailure.SECRET_UNREADABLE
    try:
        return [channel_secret_open(row) for row in rows]
    except MasterKeyMisfit:
        failure = ChannelFailure.MASTER_KEY
    except ChannelSecretUnreadable:
        pass
    # Raised here: the exception's context must hold no frame with an opened secret.
    raise ChannelNotSent(failure)


@sensitive_variables()
def address_post(
    address: str,
    body: object,
    *,
    headers: Headers | None = None,
    judge: Judge = answer_failure,
    secrets: tuple[str, ...] = (),
) -> ChannelAnswer:
    """Send a body to an address that a person typed. Raises ChannelNotSent.

    `secrets` are those, beside the address, of which nothing may be kept of the answer.
    """
    return _post(
        lambda: typed_url_post(
            address, body=body_bytes(body), headers={**_JSON, **(headers or {})}
        ),
        judge=judge,
        secrets=(address, *secrets),
    )


@sensitive_variables()
def pagerduty_post(body: object, *, judge: Judge, secrets: tuple[str, ...]) -> ChannelAnswer:
    """Send a body to PagerDuty's address of the settings. Raises ChannelNotSent."""
    url = settings.PAGERDUTY_EVENTS_URL
    return _post(
        lambda: operator_url_post(url, body=body_bytes(body), headers=_JSON),
        judge=judge,
        secrets=secrets,
    )


@sensitive_variables()
def _post(
    send: Callable[[], HttpAnswer], *, judge: Judge, secrets: tuple[str, ...]
) -> ChannelAnswer:
    reason, may_have_arrived = "", False
    try:
        answer = send()
    except InvalidInput:
        reason = ChannelFailure.NOT_ALLOWED
    except TransportError as error:
        reason, may_have_arrived = error.kind.value, error.request_sent
    # Raised here: the exception's context must hold no frame with an opened secret.
    if reason:
        raise ChannelNotSent(reason, may_have_arrived=may_have_arrived)
    said = ChannelAnswer(answer.status, answer_line(answer.body, secrets=secrets))
    failure = judge(answer) or answer_failure(answer)
    if failure is not None:
        raise ChannelNotSent(failure, answer=said, retry_after=answer.retry_after)
    return said
