"""Channels in words: what each kind is, how it is, why a message was not taken and what to do."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.sentences import Sentence, Text, say
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN

# By `ChannelHealth`: tone, label, icon.
CHANNEL_HEALTH: Final[Mapping[str, tuple[str, Text, str]]] = {
    "off": (QUIET, _("Off"), "player-pause"),
    "refused": (BAD, _("Switched off: refused"), "circle-x"),
    "failing": (WARN, _("Failing"), "alert-triangle"),
    "works": (GOOD, _("Works"), "circle-check"),
    "untried": (QUIET, _("Not tried yet"), "circle-dashed"),
}

KIND_ICONS: Final[Mapping[str, str]] = {
    "mail": "mail",
    "webhook": "server-cog",
    "slack": "building-community",
    "teams": "users",
    "pagerduty": "bell",
}

# By `ChannelKind`: what a person pastes, and where they get it.
ADDRESS_LABELS: Final[Mapping[str, Text]] = {
    "webhook": _("Address"),
    "slack": _("Address of the incoming webhook"),
    "teams": _("Address of the workflow"),
    "pagerduty": _("Integration key"),
}
ADDRESS_HELP: Final[Mapping[str, Text]] = {
    "webhook": _("Begins with https://. It is stored encrypted and never shown again, to anyone."),
    "slack": _(
        "In Slack: Apps, Incoming Webhooks, Add to Slack. It is stored encrypted and never shown "
        "again, to anyone."
    ),
    "teams": _(
        "In Teams: the channel's menu, Workflows, “Send webhook alerts to a channel”. It is stored "
        "encrypted and never shown again, to anyone."
    ),
    "pagerduty": _(
        "In PagerDuty: the service, Integrations, “Events API V2”. It is stored encrypted and "
        "never shown again, to anyone."
    ),
}
KIND_INTROS: Final[Mapping[str, Text]] = {
    "webhook": _(
        "JSON for a program of yours, signed by Standard Webhooks 1.0. The signing secret is shown "
        "once, on the next page."
    ),
    "slack": _("A message in a channel of Slack."),
    "teams": _("A card in a channel of Microsoft Teams, by one of its workflows."),
    "pagerduty": _(
        "An alert that opens with an incident and closes with it, for whoever is on call."
    ),
}

# By `ChannelFailure` and `TransportFailure`: what happened, and what to do about it.
_FAILURES: Final[Mapping[str, Text]] = {
    "gone": _(
        "Nobody is there any more: the other side says that the address does not exist. Make a new "
        "one there, and replace the address here."
    ),
    "revoked": _(
        "The other side does not accept the address any more: it was revoked. Make a new one "
        "there, and replace the address here."
    ),
    "switched_off": _("The other side has switched it off. Switch it on there, and then here."),
    "refused": _(
        "The other side does not take the message. Its answer says why; look at what it expects."
    ),
    "redirected": _(
        "The address leads to another one, which is not followed. Enter the address that it "
        "leads to."
    ),
    "busy": _("The other side asks us to wait, and we do."),
    "broken": _("The other side had an error of its own. We try again."),
    "not_allowed": _(
        "The address may not be called any more. Enter a public one that begins with https://, or "
        "have the operator name its host in OUTBOUND_ALLOWED_HOSTS."
    ),
    "no_address": _("It has no address. Enter one."),
    "secret_unreadable": _(
        "What is stored of its address or its signing secret is damaged. Enter the address anew, "
        "or rotate the signing secret."
    ),
    "master_key": _(
        "The master key does not fit the database, so the address cannot be read. The people who "
        "run this panel put the right one back."
    ),
    "address_blocked": _(
        "The name leads into a private network, where nothing is sent. Enter a public address, or "
        "have the operator name its host in OUTBOUND_ALLOWED_HOSTS."
    ),
    "name_not_found": _("The name of the address cannot be found. Is it written as it should be?"),
    "connection_refused": _("Nobody listens at the address. We try again."),
    "unreachable": _("The address cannot be reached from here. We try again."),
    "connection_lost": _(
        "The connection broke before an answer came, so the message may have arrived. We try again."
    ),
    "tls": _(
        "No secure connection could be made: the certificate of the other side is not trusted. "
        "Renew it there; for one of your own, the operator names it in OUTBOUND_CA_FILE."
    ),
    "connect_timeout": _("The address did not answer the call in time. We try again."),
    "read_timeout": _(
        "No answer came in time, so the message may have arrived. The other side should answer "
        "first and work then."
    ),
    "total_timeout": _(
        "The answer took longer than 15 seconds, so the message may have arrived. The other side "
        "should answer first and work then."
    ),
    "unreadable_answer": _("The answer cannot be read. Is the address that of a web server?"),
    "proxy_refused": _("The proxy of this panel does not connect us. Its operator knows why."),
    "proxy_failed": _("The proxy of this panel does not answer. Its operator knows why."),
    "address_refused": _("The mail server refuses the person's address."),
    "mail_refused": _("The mail server refuses the mail."),
    "panel_refused": _("The mail server refuses this panel."),
    "deferred": _("The mail server puts the mail off. We try again."),
    "no_answer": _("The mail server does not answer. We try again."),
    "tls_failed": _("The secure connection with the mail server failed. Its operator knows why."),
    "channel_off": _("The channel was switched off before it was sent."),
    "restored": _(
        "The database was put back from a backup: it was probably sent already, and is not sent "
        "again."
    ),
    "lost": _("It could not be sent for so long that it is told no more."),
}
_FAILURE_OTHERWISE: Final = _("It failed in this panel: see the worker's log. We try again.")
_PAGERDUTY_REVOKED: Final = _(
    "PagerDuty does not know the integration key any more. Copy the key of the integration there, "
    "and replace it here."
)

# The steps of a test, by `TestStepName`, and how far each is, by `TestStepState`.
TEST_STEP_LABELS: Final[Mapping[str, Text]] = {
    "rule": _("Rule"),
    "outbox": _("Waits to be sent"),
    "opened": _("Incident opened"),
    "resolved": _("Incident resolved"),
}
TEST_STEP_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "done": (GOOD, "circle-check"),
    "running": (QUIET, "hourglass"),
    "waiting": (QUIET, "circle-dashed"),
    "failed": (BAD, "circle-x"),
}

# What an answer proves, by kind.
ANSWER_NOTES: Final[Mapping[str, Text]] = {
    "teams": _(
        "Teams answers before it has done anything: “202” says that the workflow was started, and "
        "not that the message was posted. Look into the channel, or into the workflow's run "
        "history."
    ),
    "pagerduty": _(
        "PagerDuty answers “202” as soon as it has the event; whether somebody is called is "
        "decided there."
    ),
}


_OFF_BY: Final = _("by {who}")
_OFF_BY_PANEL: Final = _("by this panel, for the other side refused it for good")


def switched_off_by_sentence(who: str) -> Sentence:
    """Who switched a channel off; "" where nobody did, but the panel."""
    return say(_OFF_BY, who=who) if who else say(_OFF_BY_PANEL)


def channel_failure_sentence(kind: str, failure: str) -> Sentence:
    """Why a message was not taken, and what to do."""
    if kind == "pagerduty" and failure == "revoked":
        return say(_PAGERDUTY_REVOKED)
    return say(_FAILURES.get(failure, _FAILURE_OTHERWISE))
