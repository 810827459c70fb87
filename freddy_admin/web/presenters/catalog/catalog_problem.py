"""The problem panel of a catalog: why it could not be fetched, and who can fix it."""

from django.urls import reverse
from django.utils.safestring import SafeString

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.checks.results import LocalFailureKind as Own
from freddy_admin.sync.status.types import CheckError
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.catalog_context import CatalogContext
from freddy_admin.web.presenters.key_actions import ActionButton
from freddy_admin.web.presenters.problem_panel import ProblemPanel
from freddy_admin.wording.catalog import fetch_failure_scope, fetch_failure_sentences
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import KeyAction
from freddy_admin.wording.support_text import catalog_support_text

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
        advice=str(failure.advice),
        what_happened=render_text(fetch_failure_sentences(error)),
        since=SafeString(""),
        affected_scope=render_html(fetch_failure_scope(context.state), context.user_time),
        responsible_party=str(failure.responsible_party),
        action=_replace_key_button(context, key, error),
        is_prominent=False,
        support_text=catalog_support_text(
            context.state,
            key=key,
            organisation_name=context.access.organisation.name,
            error=error,
            now=context.user_time.now,
        ),
    )


def _replace_key_button(
    context: CatalogContext, key: ApiKey, error: CheckError
) -> ActionButton | None:
    if error.kind not in _KEY_FAILURE_KINDS or not context.access.allows(Permission.MANAGE_KEYS):
        return None
    href = reverse("key_replace", args=[context.access.organisation.slug, key.pk])
    return ActionButton(str(KeyAction.REPLACE_KEY.label), href, KeyAction.REPLACE_KEY.icon)
