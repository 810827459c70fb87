"""What pages show of keys, their tags and new secrets; see `core.view_changes`."""

from freddy_admin.core.view_changes import ViewChangeTrigger

_ORGANISATION_OF_KEY = "(SELECT organisation_id FROM vault_apikey WHERE id = {row}.%s)"

VIEW_CHANGE_TRIGGERS = (
    ViewChangeTrigger(
        table="vault_apikey",
        columns=(
            *("organisation_id", "label", "status", "version", "paused_at", "paused_by"),
            *("grace_minutes", "organization_id", "owner_id", "expires_on", "environment"),
            *("hint_start", "hint_end", "secret_set_at"),
        ),
        ignored=(
            *("id", "ciphertext", "master_key_id", "fingerprint", "issued_version"),
            *("created_at", "revoked_at"),
        ),
    ),
    # Half of the unpaused keys are refused alike, or they are not: pages of others say so, too.
    ViewChangeTrigger(
        table="vault_apikey",
        name="vault_paused_beside_refused",
        columns=("paused_at",),
        organisation=None,
        events=("UPDATE",),
        condition="EXISTS (SELECT 1 FROM sync_syncstatus WHERE refusal IS NOT NULL)",
    ),
    ViewChangeTrigger(
        table="vault_keytag",
        columns=("organisation_id", "name"),
        ignored=("id",),
        events=("UPDATE",),
    ),
    ViewChangeTrigger(
        table="vault_apikey_tags",
        columns=("apikey_id", "keytag_id"),
        organisation=_ORGANISATION_OF_KEY % "apikey_id",
        ignored=("id",),
    ),
    ViewChangeTrigger(
        table="vault_keycandidate",
        columns=(
            *("key_id", "version", "state", "retries_hourly", "tested_at", "created_by"),
            *("result_kind", "result_code", "result_http_status", "result_message"),
            *("result_field", "result_detail", "reported_total_tools", "reported_enabled_tools"),
            *("reported_last_sync_at", "reported_organization_id"),
        ),
        organisation=_ORGANISATION_OF_KEY % "key_id",
        ignored=(
            *("id", "ciphertext", "master_key_id", "hint_start", "hint_end", "fingerprint"),
            *("environment", "created_at", "lease_until", "lease_token"),
            # Those of the latest test, which also sets `tested_at`.
            *("result_system_message", "result_error_type", "result_timestamp"),
            *("result_trace_id", "result_request_id"),
        ),
    ),
)
