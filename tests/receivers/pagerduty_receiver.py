"""The shape of PagerDuty's Events API v2: alerts that open and close by their key."""

from typing import Any

from tests.receivers.http_receiver import HttpReceiver, ReceivedRequest, Reply

ROUTING_KEY = "R0123456789abcdefghijklmnopqrstu"
_SEVERITIES = {"critical", "error", "warning", "info"}


class PagerDutyReceiver(HttpReceiver):
    """Takes valid events; `open_alerts` are those that somebody is called for, by their key."""

    def __init__(self) -> None:
        super().__init__(self._judge)
        self.open_alerts: dict[str, dict[str, Any]] = {}
        self.opened_count = 0  # how often somebody was called

    def _judge(self, request: ReceivedRequest) -> Reply:
        event = request.json
        if event.get("routing_key") != ROUTING_KEY:
            return Reply(
                400,
                b'{"status":"invalid event","message":"Event object is invalid",'
                b'"errors":["Invalid routing key"]}',
            )
        problem = pagerduty_problem(event)
        if problem:
            return Reply(400, b'{"status":"invalid event","errors":["%s"]}' % problem.encode())
        key = event["dedup_key"]
        if event["event_action"] == "resolve":
            self.open_alerts.pop(key, None)
        else:
            self.opened_count += key not in self.open_alerts
            self.open_alerts[key] = event
        return Reply(
            202, b'{"status":"success","message":"Event processed","dedup_key":"%s"}' % key.encode()
        )


def pagerduty_problem(event: dict[str, Any]) -> str:
    """Why PagerDuty would refuse this event; "" where it takes it."""
    if event["event_action"] not in {"trigger", "acknowledge", "resolve"}:
        return "event_action is invalid"
    if not 1 <= len(event["dedup_key"]) <= 255:
        return "dedup_key is invalid"
    payload = event["payload"]
    if not 1 <= len(payload["summary"]) <= 1_024:
        return "summary is invalid"
    if payload["severity"] not in _SEVERITIES or not payload["source"]:
        return "severity or source is invalid"
    return ""
