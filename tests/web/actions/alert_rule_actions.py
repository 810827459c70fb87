"""Actions on alert rules, of an organisation and of the whole panel."""

from collections.abc import Callable
from typing import Any

from tests.alerts.delivery_flow import rule_make
from tests.web.actions.scenario import (
    ORGANISATION_URL,
    ActionRequest,
    Scenario,
    UserAction,
    request_to,
)

FLEET_URL = "/alerts/fleet/"
BuildRequest = Callable[[Scenario], ActionRequest]
RULE_FIELDS: dict[str, Any] = {
    "name": "On call",
    "severity": "warning",
    "causes_only": "no",
    "roles": ["manager"],
    "delay_minutes": "0",
    "sends_reminders": "yes",
    "zone": "UTC",
    "enabled": "yes",
}


def _rule_request(do: str = "", fields: dict[str, Any] | None = None) -> BuildRequest:
    def build_request(scene: Scenario) -> ActionRequest:
        rule = rule_make(scene.organisation, roles=["manager"])
        return ActionRequest(f"{ORGANISATION_URL}alerts/rules/{rule.pk}/{do}", fields or {})

    return build_request


def _fleet_rule_request(do: str = "", fields: dict[str, Any] | None = None) -> BuildRequest:
    def build_request(scene: Scenario) -> ActionRequest:
        rule = rule_make(None, roles=["platform_admin"])
        return ActionRequest(f"{FLEET_URL}rules/{rule.pk}/{do}", fields or {})

    return build_request


def _of_organisation(build_request: BuildRequest, tag: str) -> UserAction:
    return UserAction("manager", build_request, (tag,), is_in_organisation=True)


def _of_panel(build_request: BuildRequest, tag: str) -> UserAction:
    return UserAction("admin", build_request, (tag,))


ALERT_RULE_ACTIONS = {
    "alert_rule_create": _of_organisation(
        request_to(f"{ORGANISATION_URL}alerts/rules/new/", **RULE_FIELDS), "alert_rule_created"
    ),
    "alert_rule_update": _of_organisation(_rule_request("", RULE_FIELDS), "alert_rule_changed"),
    "alert_rule_delete": _of_organisation(_rule_request("remove/"), "alert_rule_removed"),
    "fleet_rule_create": _of_panel(
        request_to(f"{FLEET_URL}rules/new/", **RULE_FIELDS), "alert_rule_created"
    ),
    "fleet_rule_update": _of_panel(_fleet_rule_request("", RULE_FIELDS), "alert_rule_changed"),
    "fleet_rule_delete": _of_panel(_fleet_rule_request("remove/"), "alert_rule_removed"),
}
