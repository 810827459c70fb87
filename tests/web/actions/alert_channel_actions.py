"""Actions on channels, of an organisation and of the whole panel."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.vault.services.channel_secrets import channel_signing_secret_add
from tests.web.actions.scenario import (
    ORGANISATION_URL,
    ActionRequest,
    Scenario,
    UserAction,
)
from tests.web.channel_rows import create_channel

ADDRESS = "https://hooks.example.org/path"
# What is posted where, and the event that it leaves.
_CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "rename": ("rename/", {"name": "Other"}, "channel_changed"),
    "address": ("address/", {"channel_address": ADDRESS}, "channel_address_replaced"),
    "secret": ("secret/", {}, "channel_secret_rotated"),
    "former_end": ("former-secrets/end/", {}, "channel_former_secrets_ended"),
    "enable": ("enable/", {}, "channel_enabled"),
    "disable": ("disable/", {}, "channel_disabled"),
    "delete": ("delete/", {"name": "On call"}, "channel_deleted"),
    "test": ("test/", {}, "channel_tested"),
}


def _change_request(action: str, *, of_panel: bool) -> Callable[[Scenario], ActionRequest]:
    path, fields, _tag = _CHANGES[action]

    def build_request(scene: Scenario) -> ActionRequest:
        owner = None if of_panel else scene.organisation
        disabled_at = clock.now() if action == "enable" else None
        channel = create_channel(owner, "webhook", name="On call", disabled_at=disabled_at)
        if action == "former_end":
            channel_signing_secret_add(
                organisation=owner,
                channel_id=channel.pk,
                actor=OPERATOR,
                secret="whsec_b3RoZXI=",
                former_valid_until=clock.now() + timedelta(days=1),
            )
        start = "/alerts/fleet/" if of_panel else f"{ORGANISATION_URL}alerts/"
        return ActionRequest(f"{start}channels/{channel.pk}/{path}", fields)

    return build_request


def _create_request(start: str) -> Callable[[Scenario], ActionRequest]:
    fields = {"name": "On call", "channel_address": ADDRESS}
    return lambda _scene: ActionRequest(f"{start}channels/new/webhook/", fields)


ALERT_CHANNEL_ACTIONS = {
    "alert_channel_create": UserAction(
        "manager",
        _create_request(f"{ORGANISATION_URL}alerts/"),
        ("channel_created",),
        is_in_organisation=True,
    ),
    "fleet_channel_create": UserAction(
        "admin", _create_request("/alerts/fleet/"), ("channel_created",)
    ),
    **{
        f"alert_channel_{action}": UserAction(
            "manager",
            _change_request(action, of_panel=False),
            (tag,),
            is_in_organisation=True,
        )
        for action, (_path, _fields, tag) in _CHANGES.items()
    },
    **{
        f"fleet_channel_{action}": UserAction(
            "admin", _change_request(action, of_panel=True), (tag,)
        )
        for action, (_path, _fields, tag) in _CHANGES.items()
    },
}
