"""The base of tables whose rows belong to one organisation, and the tables of `core` itself."""

from django.db import models


class TenantOwned(models.Model):
    """A row of one organisation, deleted with it."""

    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True


class CacheEntry(models.Model):
    """A value of the database's cache, see `core.cache`; `migrate` creates the table."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "core_cache"

    def __str__(self) -> str:
        return self.cache_key


class RateLimitCount(models.Model):
    """How often something was done in one window of a rate limit; deleted after its end."""

    key = models.CharField(max_length=120, primary_key=True)
    times = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.times}"


class ClockState(models.Model):
    """The result of comparing the clocks, see `core.clock_skew`; one row. Offsets are seconds."""

    compared_at = models.DateTimeField()  # by the machine's clock
    reference = models.CharField(max_length=40)  # "database", or the id of a boot
    offset = models.FloatField(default=0.0)  # how far the machine's clock may be from it
    # While deletion is held.
    held_since = models.DateTimeField(null=True)
    agreed_since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=10, blank=True)
    skew_seconds = models.FloatField(default=0.0)
    # How far it jumped, and since when it wrote ahead of time; once it is back, what to repair.
    jump_seconds = models.FloatField(default=0.0)
    future_from = models.DateTimeField(null=True)
    repair_from = models.DateTimeField(null=True)
    # History before this moment may be pruned; it advances slowly.
    history_pruned_to = models.DateTimeField(null=True)
    history_pruned_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"compared at {self.compared_at:%Y-%m-%d %H:%M:%S}"


class PanelAddress(models.Model):
    """The PANEL_URL at which this database was last at work, see `core.panel_address`; one row."""

    url = models.CharField(max_length=500)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url


class OutboxMessage(models.Model):
    """A message to be sent, see `core.outbox`: what it is about, never what it says or to whom."""

    lane = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    party = models.CharField(max_length=40, blank=True, default="")  # whose turn it takes
    requested_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)  # None: given up
    attempts = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, blank=True)  # of the latest failure
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["lane", "next_attempt_at"], name="outbox_due"),
            models.Index(fields=["next_attempt_at", "lane"], name="outbox_due_lanes"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id"], name="one_message_per_object")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class ReadableMigration(models.Model):
    """A migration after which code of the version `since` still works: `core.database_version`."""

    app = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    since = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "name"], name="one_mark_per_migration")
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}: since {self.since}"


class ViewChange(models.Model):
    """That something which pages show was changed; triggers write it, see `core.view_changes`.

    `number` is that of the transaction on PostgreSQL; on SQLite, which has one writer at a time,
    it rises with each row. No foreign key: the row outlives an organisation that was deleted.
    """

    organisation_id = models.BigIntegerField()  # 0: of the whole panel
    number = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation_id", "number"], name="one_change_per_transaction"
            )
        ]
        indexes = [models.Index(fields=["number"], name="view_change_number")]

    def __str__(self) -> str:
        return f"{self.number}: organisation {self.organisation_id}"


class PeriodicTurn(models.Model):
    """When a periodic task last began in any worker, see `core.task_engine`."""

    name = models.CharField(max_length=200, primary_key=True)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
