"""The problem panel of a catalog: why it could not be fetched, and who can fix it."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.checks.results import LocalFailureKind as Own
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.status.types import CheckError
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.catalog_context import CatalogContext
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.key_actions import ActionButton
from freddy_admin.web.presenters.problem_panel import ProblemPanel

CATALOG_API_PATHS = {
    CatalogKind.AUTH_CONFIGS: "/v1/admin/composio/auth-configs",
    CatalogKind.CONNECTORS: "/v1/personal-connectors/available",
}
_KEY_FAILURE_KINDS = frozenset(
    {Kind.KEY_REFUSED, Kind.KEY_NOT_PERMITTED, Kind.INVALID_SECRET, Own.KEY_UNREADABLE}
)


def catalog_problem_panel(context: CatalogContext, key: ApiKey) -> ProblemPanel | None:
    """The panel; None where the latest fetch went well, and while the key is paused."""
    error = context.state.error
    if error is None or key.paused_at is not None:
        return None
    failure = failure_wording(error)
    return ProblemPanel(
        tone="warn",
        icon="alert-triangle",
        advice=failure.advice,
        what_happened=_what_happened(error, failure.words),
        since=SafeString(""),
        affected_scope=_affected_scope(context),
        responsible_party=failure.responsible_party,
        action=_replace_key_button(context, key, error),
        is_prominent=False,
        support_text=_support_text(context, key, error),
    )


def _what_happened(error: CheckError, words: str) -> str:
    # The sentences on failures speak of a status check; these speak of a catalog.
    own_sentences = {
        Kind.KEY_NOT_PERMITTED: _(
            "The key is valid, but Aitronos does not let it read this list. Most likely it has no "
            "admin right."
        ),
        Kind.SERVER_ERROR: _("Aitronos had an error of its own (%(status)s) and gave no list.")
        % {"status": error.http_status or 500},
    }
    sentence = own_sentences.get(Kind(error.kind), words) if error.kind in set(Kind) else words
    if not error.message or error.kind == Kind.SERVER_ERROR:
        return sentence
    return f"{sentence} " + _("Aitronos says: “%(said)s”") % {"said": error.message}


def _affected_scope(context: CatalogContext) -> SafeString:
    observed = context.state.observed_at
    if observed is None:
        return format_html("{}", _("This list alone: there is none to show yet."))
    return format_html(
        _("This list alone. Shown is the one of {at}."), at=context.user_time.render_clock(observed)
    )


def _replace_key_button(
    context: CatalogContext, key: ApiKey, error: CheckError
) -> ActionButton | None:
    if error.kind not in _KEY_FAILURE_KINDS or not context.access.allows(Permission.MANAGE_KEYS):
        return None
    href = reverse("key_replace", args=[context.access.organisation.slug, key.pk])
    return ActionButton(_("Replace the key"), href, "key")


def _support_text(context: CatalogContext, key: ApiKey, error: CheckError) -> str:
    """Plain text for a ticket, times in UTC; holds nothing of the key but its label."""
    state: CatalogState = context.state
    parts = {"label": key.label, "id": key.pk, "version": key.version}
    lines = [
        (_("Organisation"), context.access.organisation.name),
        (_("Key"), _("%(label)s (no. %(id)s, version %(version)s)") % parts),
        (_("Organisation id at Aitronos"), key.organization_id),
        (_("Read at"), _format_utc(context.user_time.now)),
        (_("Last call"), _format_utc(state.checked_at)),
        (_("Last good call"), _format_utc(state.observed_at)),
        (_("Call"), f"GET {settings.AITRONOS_API_BASE_URL}{CATALOG_API_PATHS[state.kind]}"),
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


def _format_utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else _("never")
