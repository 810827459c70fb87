"""The error panel of a list: why there is no newer one, in plain words, and whose move it is."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.lists.rows import ListingState
from freddy_admin.sync.models import ListingKind
from freddy_admin.sync.outcomes import OwnFailure as Own
from freddy_admin.sync.rows import CheckError
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.list_look import Look
from freddy_admin.web.presenters.actions import Action
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.trouble import Trouble

PATHS = {
    ListingKind.AUTH_CONFIGS: "/v1/admin/composio/auth-configs",
    ListingKind.CONNECTORS: "/v1/personal-connectors/available",
}
_OF_THE_KEY = frozenset(
    {Kind.KEY_REFUSED, Kind.KEY_NOT_PERMITTED, Kind.INVALID_SECRET, Own.KEY_UNREADABLE}
)


def list_trouble(look: Look, key: ApiKey) -> Trouble | None:
    """The panel, or None where the latest call went well."""
    error = look.state.error
    if error is None or key.paused_at is not None:
        return None
    what = failure(error)
    return Trouble(
        tone="warn",
        icon="alert-triangle",
        todo=what.todo,
        happened=_happened(error, what.words),
        since=SafeString(""),
        affects=_affects(look),
        who=what.who,
        action=_action(look, key, error),
        loud=False,
        details=_details(look, key, error),
    )


def _happened(error: CheckError, words: str) -> str:
    # The sentences are those of a status check: where they speak of one, these speak of a list.
    own = {
        Kind.KEY_NOT_PERMITTED: _(
            "The key is valid, but Aitronos does not let it read this list. Most likely it has no "
            "admin right."
        ),
        Kind.SERVER_ERROR: _("Aitronos had an error of its own (%(status)s) and gave no list.")
        % {"status": error.http_status or 500},
    }
    told = own.get(Kind(error.kind), words) if error.kind in set(Kind) else words
    if not error.message or error.kind == Kind.SERVER_ERROR:
        return told
    return f"{told} " + _("Aitronos says: “%(said)s”") % {"said": error.message}


def _affects(look: Look) -> SafeString:
    observed = look.state.observed_at
    if observed is None:
        return format_html("{}", _("This list alone: there is none to show yet."))
    return format_html(_("This list alone. Shown is the one of {at}."), at=look.on.at(observed))


def _action(look: Look, key: ApiKey, error: CheckError) -> Action | None:
    if error.kind not in _OF_THE_KEY or not look.access.allows(Permission.MANAGE_KEYS):
        return None
    href = reverse("key_replace", args=[look.access.organisation.slug, key.pk])
    return Action(_("Replace the key"), href, "key")


def _details(look: Look, key: ApiKey, error: CheckError) -> str:
    """Plain text for a ticket, times in UTC; holds nothing of the key but its label."""
    state: ListingState = look.state
    parts = {"label": key.label, "id": key.pk, "version": key.version}
    lines = [
        (_("Organisation"), look.access.organisation.name),
        (_("Key"), _("%(label)s (no. %(id)s, version %(version)s)") % parts),
        (_("Organisation id at Aitronos"), key.organization_id),
        (_("Read at"), _utc(look.on.now)),
        (_("Last call"), _utc(state.checked_at)),
        (_("Last good call"), _utc(state.observed_at)),
        (_("Call"), f"GET {settings.AITRONOS_API_BASE_URL}{PATHS[state.kind]}"),
        (_("Failure"), error.kind),
        (_("HTTP status"), str(error.http_status or "")),
        (_("Code"), error.code),
        (_("Field"), error.field),
        (_("Message"), error.message),
        # As the API names them: whoever reads this looks for these words in their logs.
        ("trace_id", error.trace_id),
        ("x-request-id", error.request_id),
    ]
    return "\n".join(f"{name}: {value}" for name, value in lines if value)


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else _("never")
