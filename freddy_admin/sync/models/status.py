"""One row per key with its latest figures, health state and schedule; workers and the API."""

from django.db import models

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT, ENVIRONMENT_MAX_LENGTH
from freddy_admin.core.models import TenantOwned
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.refusals import REFUSAL_LENGTH


class CheckOutcome(models.TextChoices):
    """How the latest finished check ended."""

    NONE = "", "no check finished yet"
    GOOD = "good", "figures came"
    REFUSED = "refused", "the key was refused"
    FAILED = "failed", "no answer to rely on"


class SyncStatus(TenantOwned):
    """The sync of one key, as last seen. Times are UTC; `state` is that of the last observation.

    Lists read the state through `status.queries.effective_state_expression`: paused and unknown
    depend on the clock alone and are worked out in SQL.
    """

    key = models.OneToOneField(
        "vault.ApiKey", on_delete=models.CASCADE, primary_key=True, related_name="sync_status"
    )
    key_version = models.PositiveIntegerField(default=1)
    # The names that lists are sorted by, copied here for an index: `status.names` keeps them.
    organisation_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    key_label = models.CharField(max_length=80, blank=True, default="", db_default="")

    # The last good figures, as received.
    total_tools = models.BigIntegerField(null=True)
    enabled_tools = models.BigIntegerField(null=True)
    last_sync_at = models.DateTimeField(null=True)
    next_sync_at = models.DateTimeField(null=True)
    sync_interval_hours = models.BigIntegerField(null=True)
    incremental_sync_enabled = models.BooleanField(null=True)
    observed_at = models.DateTimeField(null=True)  # obs: the last good check
    first_observed_at = models.DateTimeField(null=True)  # seen: the first good check
    first_next_sync_at = models.DateTimeField(null=True)  # N0: the first next_sync_at seen
    skipped_at = models.DateTimeField(null=True)  # a sync due then was skipped since L moved
    figures_are_former = models.BooleanField(default=False)  # from before the key changed
    reported_organization_id = models.CharField(max_length=128, blank=True)

    # The latest finished check.
    checked_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=CheckOutcome.choices, blank=True)
    error_kind = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=128, blank=True)
    error_http_status = models.PositiveSmallIntegerField(null=True)
    error_message = models.CharField(max_length=300, blank=True)
    error_field = models.CharField(max_length=64, blank=True)
    error_detail = models.CharField(max_length=200, blank=True)
    # For support alone: what the API says to developers, of which kind, and when, as it wrote it.
    error_system_message = models.CharField(max_length=300, blank=True)
    error_type = models.CharField(max_length=64, blank=True)
    error_timestamp = models.CharField(max_length=64, blank=True)
    trace_id = models.CharField(max_length=128, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    elapsed_ms = models.FloatField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # failed checks in a row
    refusals = models.PositiveIntegerField(default=0)  # refusals among conclusive checks, in a row
    refusal_status = models.PositiveSmallIntegerField(null=True)  # 401 or 403, of the latest one
    # How the latest conclusive check refused the key (see `sync.refusals`); None where it did not,
    # and while the key is paused: an index of the refused keys alone counts those refused alike.
    refusal = models.CharField(max_length=REFUSAL_LENGTH, null=True)  # noqa: DJ001
    refusal_settings = models.CharField(max_length=16, blank=True)  # digest of those it came with
    unreadable_since = models.DateTimeField(null=True)
    # The master key does not fit: no fault of this key.
    master_key_misfit_since = models.DateTimeField(null=True)

    # The health state concluded from it.
    state = models.CharField(
        max_length=20, choices=HealthState.choices, default=HealthState.NOT_CHECKED
    )
    state_since = models.DateTimeField()
    state_rule = models.PositiveSmallIntegerField(default=4)  # the line of the health rule
    unknown_at = models.DateTimeField(null=True)
    counted_state = models.CharField(max_length=20, blank=True)  # in which `StateCount` has it

    # The current run of identical observations; a change stores it as a CheckRun.
    run_digest = models.CharField(max_length=16, blank=True)
    run_started_at = models.DateTimeField(null=True)
    run_count = models.PositiveIntegerField(default=0)
    run_worst_ms = models.FloatField(null=True)
    # What the history has recorded so far, so that nothing is recorded twice.
    recorded_state = models.CharField(max_length=20, blank=True)  # "": nothing yet
    recorded_at = models.DateTimeField(null=True)
    recorded_sync_at = models.DateTimeField(null=True)  # the latest sync
    recorded_skip_at = models.DateTimeField(null=True)  # the latest skipped sync
    # Of the open span of failures.
    recorded_error_digest = models.CharField(max_length=16, blank=True)
    # Which other keys report the same: a digest of the figures, and of those before.
    figures_digest = models.CharField(max_length=16, blank=True)
    previous_figures_digest = models.CharField(max_length=16, blank=True)
    # Checks in a row that brought these figures.
    figures_check_count = models.PositiveIntegerField(default=0)

    # The latest sync that a person asked for, until a new `last_sync_at` or the next operation.
    operation_requested_at = models.DateTimeField(null=True)
    operation_requested_by = models.CharField(max_length=254, blank=True)
    operation_state = models.CharField(max_length=10, blank=True)

    # Whose calls are counted together with this key's (`checks.budget`), and the period that
    # leaves: P of the health rule. Null: STATUS_CHECK_SECONDS, for no check was stored yet.
    budget_group = models.CharField(max_length=200, blank=True)
    check_period_seconds = models.FloatField(null=True)

    # When the key is checked again, and the lease of a check that runs.
    next_check_at = models.DateTimeField()
    hold_until = models.DateTimeField(null=True)  # Aitronos asked us to wait until then
    requested_at = models.DateTimeField(null=True)
    requested_by = models.CharField(max_length=254, blank=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.CharField(max_length=32, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            # With the organisation: due keys of one that has its share are passed over unread.
            models.Index(fields=["next_check_at", "organisation"], name="sync_due"),
            models.Index(
                fields=["requested_at"],
                name="sync_requested",
                condition=models.Q(requested_at__isnull=False),
            ),
            models.Index(fields=["checked_at"], name="sync_checked"),
            models.Index(fields=["lease_token"], name="sync_lease"),
            models.Index(fields=["figures_digest"], name="sync_figures"),
            models.Index(fields=["budget_group"], name="sync_budget"),
            # All that counting every key needs to read of it.
            models.Index(
                fields=["state", "unknown_at", "checked_at", "error_kind"], name="sync_states"
            ),
            # A page of any list is a range of one of these: of a state, or of all keys.
            models.Index(
                fields=["state", "organisation_name", "key_label", "key"], name="sync_state_names"
            ),
            models.Index(fields=["organisation_name", "key_label", "key"], name="sync_names"),
            models.Index(fields=["last_sync_at"], name="sync_last"),
            models.Index(fields=["next_sync_at"], name="sync_next"),
            models.Index(
                fields=["enabled_tools", "organisation_name", "key_label", "key"],
                name="sync_tools",
            ),
            # Those whose state is not the one they were counted with: few, between two counts.
            models.Index(
                fields=["state", "counted_state"],
                condition=~models.Q(state=models.F("counted_state")),
                name="sync_uncounted",
            ),
            models.Index(
                fields=["checked_at", "error_kind"],
                condition=models.Q(error_kind__gt=""),
                name="sync_failing",
            ),
            models.Index(
                fields=["refusal", "reported_organization_id", "organisation"],
                condition=models.Q(refusal__isnull=False),
                name="sync_refusals",
            ),
            # Which other keys belong to the same organisation at Aitronos, and whether any works.
            models.Index(fields=["reported_organization_id", "outcome"], name="sync_reported_org"),
        ]

    def __str__(self) -> str:
        return f"{self.key_id}: {self.state}"


class WorkerHeartbeat(models.Model):
    """The latest heartbeat of one worker process."""

    name = models.CharField(max_length=120, unique=True)
    version = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    checks_done = models.PositiveBigIntegerField(default=0)
    can_open_keys = models.BooleanField(default=True)
    # Where the database was at work before, if this worker takes it for a copy.
    copied_from = models.CharField(max_length=500, blank=True)
    master_key_state = models.CharField(max_length=20, blank=True)
    # What keeps messages from going out, see `core.message_faults.MessageFault`.
    message_fault = models.CharField(max_length=20, blank=True)

    def __str__(self) -> str:
        return self.name


class ApiHealth(models.Model):
    """The latest result of the API's public health routes; one row for each environment.

    `reachable`: it answered, and that it is well. `status` is what it says of itself where that is
    something else than well, `components` are its parts that are not: name and status, its words.
    """

    environment = models.CharField(
        max_length=ENVIRONMENT_MAX_LENGTH,
        default=DEFAULT_ENVIRONMENT,
        db_default=DEFAULT_ENVIRONMENT,
        unique=True,
    )
    checked_at = models.DateTimeField()
    reachable = models.BooleanField()
    kind = models.CharField(max_length=40, blank=True)
    elapsed_ms = models.FloatField(null=True)
    status = models.CharField(max_length=64, blank=True)
    components = models.JSONField(default=list)

    def __str__(self) -> str:
        return "reachable" if self.reachable else self.kind or "not well"


class CheckCounter(models.Model):
    """The number of checks with one outcome and `kind` of failure ("" for good ones)."""

    outcome = models.CharField(max_length=10)
    kind = models.CharField(max_length=40, blank=True)
    times = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outcome", "kind"], name="one_count_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.kind}: {self.times}"


class CallBudget(models.Model):
    """The calls of one group of keys on one day (UTC); see `checks.budget`."""

    budget_group = models.CharField(max_length=200)
    day = models.DateField()
    calls = models.PositiveBigIntegerField(default=0)
    # Keys of the group that are checked on schedule, and when they were counted.
    key_count = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(null=True)  # a 429 asked all of them to wait until then

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["budget_group", "day"], name="one_budget_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.budget_group} on {self.day}: {self.calls}"
