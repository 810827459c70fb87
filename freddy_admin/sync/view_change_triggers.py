"""What pages show of syncs, their history and the API; see `core.view_changes`.

A check that brings what the last one brought changes no column named here, so that its statement
fires no trigger at all.
"""

from freddy_admin.core.view_changes import ViewChangeTrigger
from freddy_admin.sync.status.shared_figures import MIN_IDENTICAL_CHECKS

_REFUSED_KEYS = "SELECT 1 FROM sync_syncstatus WHERE refusal IS NOT NULL"

VIEW_CHANGE_TRIGGERS = (
    ViewChangeTrigger(
        table="sync_syncstatus",
        columns=(
            *("organisation_id", "key_version", "total_tools", "enabled_tools", "last_sync_at"),
            *("next_sync_at", "sync_interval_hours", "incremental_sync_enabled"),
            *("first_observed_at", "first_next_sync_at", "skipped_at", "figures_are_former"),
            *("reported_organization_id", "outcome", "error_kind", "error_code"),
            *("error_http_status", "error_message", "error_field", "error_detail"),
            *("error_system_message", "error_type", "failing_since", "refusal_status", "refusal"),
            *("state", "state_since", "state_rule", "recorded_state"),
            *("figures_digest", "previous_figures_digest", "hold_until"),
            *("operation_requested_at", "operation_requested_by", "operation_state"),
            *("requested_at", "requested_by"),
        ),
        ignored=(
            "key_id",
            # Copies: the triggers of organisations and keys have them.
            *("organisation_name", "key_label"),
            # They move with every check, and are shown as old as the latest one at most.
            *("checked_at", "observed_at", "next_check_at", "updated_at", "elapsed_ms"),
            *("error_timestamp", "trace_id", "request_id", "failures", "refusals"),
            *("check_period_seconds", "lease_until", "lease_token"),
            "unknown_at",  # `sync_earlier_unknown` has the changes of it that count
            # Of the worker alone.
            *("refusal_settings", "unreadable_since", "master_key_misfit_since", "budget_group"),
            *(
                "figures_check_count",
                "counted_state",
                "run_digest",
                "run_started_at",
                "run_count",
                "run_worst_ms",
                "recorded_at",
            ),
            *("recorded_sync_at", "recorded_skip_at", "recorded_error_digest"),
        ),
    ),
    # A state that becomes unknown earlier than a page knows.
    ViewChangeTrigger(
        table="sync_syncstatus",
        name="sync_earlier_unknown",
        columns=("unknown_at",),
        events=("UPDATE",),
        when="NEW.unknown_at < OLD.unknown_at",
    ),
    # Which keys share a sync; figures that have come often enough prove it.
    ViewChangeTrigger(
        table="sync_organisationfigures",
        columns=(
            *("organisation_id", "figures_digest", "keys"),
            *("min_previous_digest", "max_previous_digest"),
        ),
        ignored=("id", "min_check_count", "current_until"),
    ),
    ViewChangeTrigger(
        table="sync_organisationfigures",
        name="sync_figures_proven",
        columns=("min_check_count",),
        events=("UPDATE",),
        when=(
            f"NEW.min_check_count >= {MIN_IDENTICAL_CHECKS} "
            f"AND OLD.min_check_count < {MIN_IDENTICAL_CHECKS}"
        ),
    ),
    ViewChangeTrigger(
        table="sync_panelfigures",
        columns=("figures_digest", "keys", "organisations", "first_name", "last_name"),
        organisation=None,
        ignored=(
            *("id", "min_check_count", "min_previous_digest", "max_previous_digest"),
            "current_until",
        ),
    ),
    # Which keys are refused alike is counted over the whole panel: pages of others say so, too.
    ViewChangeTrigger(
        table="sync_syncstatus",
        name="sync_refused_alike",
        columns=("refusal",),
        organisation=None,
        events=("UPDATE",),
    ),
    ViewChangeTrigger(
        table="sync_syncstatus",
        name="sync_key_beside_refused",
        organisation=None,
        events=("INSERT", "DELETE"),
        condition=f"EXISTS ({_REFUSED_KEYS})",
    ),
    # Whether others of the same organisation at Aitronos work says whether a key is the cause.
    ViewChangeTrigger(
        table="sync_syncstatus",
        name="sync_others_work",
        columns=("outcome", "reported_organization_id"),
        organisation=None,
        events=("UPDATE",),
        when="NEW.reported_organization_id <> ''",
        condition=(
            f"EXISTS ({_REFUSED_KEYS} "
            "AND reported_organization_id = {row}.reported_organization_id)"
        ),
    ),
    # Those that are pruned are older than what anybody has open.
    ViewChangeTrigger(
        table="sync_historyevent",
        columns=("organisation_id", "key_id", "kind", "at", "until", "actor_name", "details"),
        ignored=("id", "noticed_at"),
        events=("UPDATE", "INSERT"),
    ),
    ViewChangeTrigger(
        table="sync_remoteoperation",
        columns=(
            *("organisation_id", "key_id", "kind", "state", "full", "tool_key", "tool_name"),
            *("enable", "requested_at", "requested_by", "sent_at", "finished_at", "result"),
            *("error_kind", "error_code", "error_http_status", "error_message"),
            *("trace_id", "request_id", "confirmed_sync_at"),
        ),
        ignored=(
            *("id", "key_version", "batch_id", "requested_by_id", "lease_until", "lease_token"),
        ),
        events=("UPDATE", "INSERT"),
    ),
    ViewChangeTrigger(
        table="sync_apihealth",
        columns=("environment", "reachable", "kind", "status", "components"),
        organisation=None,
        ignored=("id", "checked_at", "elapsed_ms"),
    ),
)
