"""What to send to support about one key: labels and values, as plain text."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.status.types import CheckError, KeyRow
from freddy_admin.vault.models import ApiKey

# As the documentation of the API names them.
CATALOG_API_PATHS = {
    CatalogKind.AUTH_CONFIGS: "/v1/admin/composio/auth-configs",
    CatalogKind.CONNECTORS: "/v1/personal-connectors/available",
}


def support_text(row: KeyRow) -> str:
    """About the status of a key; times in UTC, and nothing of the key but its label."""
    lines = [
        (_("Organisation"), row.organisation_name),
        (_("Key"), _key_identity_text(row.key_label, row.key_id, row.key_version)),
        (_("Organisation id at Aitronos"), row.organization_id or row.reported_organization_id),
        (_("State"), _state_identity_text(row)),
        (_("Read at"), _format_utc(row.now)),
        (_("Last check"), _format_utc(row.checked_at)),
        (_("Last good check"), _format_utc(row.observed_at)),
        (_("Last sync"), _format_utc(row.figures.last_sync_at if row.figures else None)),
        (_("Next sync"), _format_utc(row.figures.next_sync_at if row.figures else None)),
        (_("Call"), f"GET {settings.AITRONOS_API_BASE_URL}/v1/admin/composio/sync/status"),
    ]
    if row.error is not None:
        failures = str(row.failures or row.refusals or "")
        lines += [*_error_lines(row.error), (_("Failed checks in a row"), failures)]
    return _joined_lines(lines)


def catalog_support_text(
    state: CatalogState, *, key: ApiKey, organisation_name: str, error: CheckError, now: datetime
) -> str:
    """About a catalog that could not be fetched with this key; times in UTC."""
    return _joined_lines(
        [
            (_("Organisation"), organisation_name),
            (_("Key"), _key_identity_text(key.label, key.pk, key.version)),
            (_("Organisation id at Aitronos"), key.organization_id),
            (_("Read at"), _format_utc(now)),
            (_("Last call"), _format_utc(state.checked_at)),
            (_("Last good call"), _format_utc(state.observed_at)),
            (_("Call"), f"GET {settings.AITRONOS_API_BASE_URL}{CATALOG_API_PATHS[state.kind]}"),
            *_error_lines(error),
        ]
    )


def _error_lines(error: CheckError) -> list[tuple[str, str]]:
    return [
        (_("Failure"), error.kind),
        (_("HTTP status"), str(error.http_status or "")),
        (_("Code"), error.code),
        (_("Field"), error.field),
        (_("Detail"), error.detail),
        (_("Message"), error.message),
        # As the API names them: whoever reads this looks for these words in their logs.
        ("trace_id", error.trace_id),
        ("x-request-id", error.request_id),
    ]


def _joined_lines(lines: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in lines if value)


def _key_identity_text(label: str, key_id: int, version: int) -> str:
    parts = {"label": label, "id": key_id, "version": version}
    return _("%(label)s (no. %(id)s, version %(version)s)") % parts


def _state_identity_text(row: KeyRow) -> str:
    parts = {
        "state": row.state.value,
        "rule": row.state_rule,
        "since": _format_utc(row.state_since),
    }
    return _("%(state)s, rule %(rule)s, since %(since)s") % parts


def _format_utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else _("never")
