"""API keys as they are stored: sealed, bound to their row, shown to nobody."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT, ENVIRONMENT_MAX_LENGTH
from freddy_admin.core.models import TenantOwned

# A batch takes a tenth of a second; one that takes a minute was killed, or its machine was.
_ROTATION_STALLED_AFTER: Final = timedelta(seconds=60)


class KeyLifecycle(models.TextChoices):
    """The lifecycle state of a key."""

    DRAFT = "draft", _("being tested")
    ACTIVE = "active", _("active")
    REVOKED = "revoked", _("revoked")


class CandidateState(models.TextChoices):
    """The state of a candidate: waiting for its test, or what the test has shown."""

    PENDING = "pending", _("being tested")
    REFUSED = "refused", _("refused")
    UNTESTED = "untested", _("could not be tested")
    DIFFERS = "differs", _("works, but reports something else than expected")


class CanaryResult(models.TextChoices):
    """The result of testing a canary in a process that opens keys."""

    OK = "sings", _("opened")
    FAILED = "mute", _("did not open")
    MISSING = "missing", _("its master key is not there")


class ImportDraftState(models.TextChoices):
    """How far a draft of an import is."""

    OPEN = "open", _("nothing is saved yet")
    CONFIRMED = "confirmed", _("confirmed")


class ImportRowState(models.TextChoices):
    """The state of one import row; the value is stored and part of addresses."""

    WAITING = "waiting", _("being tested")
    WORKS = "works", _("works")
    DIFFERS = "differs", _("belongs to another organisation")
    UNTESTED = "untested", _("could not be tested")
    REJECTED = "rejected", _("rejected")
    DUPLICATE = "here", _("already here")
    MALFORMED = "malformed", _("malformed")


class ImportSaveState(models.TextChoices):
    """How far the saving of a row is once its import was confirmed."""

    NONE = "", _("not decided")
    SAVING = "keeping", _("being saved")
    SAVED = "kept", _("saved")
    DISCARDED = "dropped", _("thrown away")


class KeyTag(TenantOwned):
    """A word an organisation groups its keys by."""

    name = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["name"], name="tag_by_name")]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="tag_once")]

    def __str__(self) -> str:
        return self.name


class SealedBytes(models.Model):
    """Sealed bytes. Nothing here can open them."""

    # Format version, master key id and sealed bytes; null once wiped.
    # Nothing of this is `editable`: no form made from the model ever offers or accepts it.
    ciphertext = models.BinaryField(null=True, editable=False)
    # The master key's id, also in the header: comparing the two reveals a damaged header.
    master_key_id = models.CharField(max_length=16, blank=True, editable=False)

    class Meta:
        abstract = True


class SealedSecret(SealedBytes):
    """A sealed secret and what may be shown of it."""

    hint_start = models.CharField(max_length=13, blank=True, editable=False)
    hint_end = models.CharField(max_length=4, blank=True, editable=False)
    # Keyed digest that finds the same key pasted twice without opening it.
    fingerprint = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    # Where it may be sent: the seal is bound to it, so it changes with the secret alone.
    environment = models.CharField(
        max_length=ENVIRONMENT_MAX_LENGTH,
        default=DEFAULT_ENVIRONMENT,
        db_default=DEFAULT_ENVIRONMENT,
        editable=False,
    )

    class Meta:
        abstract = True


class CandidateSecret(SealedSecret):
    """A new secret that the worker tests before it is used, with the test's result and lease."""

    result_kind = models.CharField(max_length=40, blank=True, editable=False)
    result_code = models.CharField(max_length=64, blank=True, editable=False)
    result_http_status = models.PositiveSmallIntegerField(null=True, editable=False)
    result_message = models.CharField(max_length=300, blank=True, editable=False)
    result_field = models.CharField(max_length=64, blank=True, editable=False)
    result_detail = models.CharField(max_length=200, blank=True, editable=False)
    # For support, as the API wrote it.
    result_system_message = models.CharField(max_length=300, blank=True, editable=False)
    result_error_type = models.CharField(max_length=64, blank=True, editable=False)
    result_timestamp = models.CharField(max_length=64, blank=True, editable=False)
    result_trace_id = models.CharField(max_length=128, blank=True, editable=False)
    result_request_id = models.CharField(max_length=128, blank=True, editable=False)
    # What Aitronos reported for the secret, null or empty if it did not answer.
    reported_total_tools = models.BigIntegerField(null=True, editable=False)
    reported_enabled_tools = models.BigIntegerField(null=True, editable=False)
    reported_last_sync_at = models.DateTimeField(null=True, editable=False)
    reported_organization_id = models.CharField(max_length=128, blank=True, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    lease_token = models.CharField(max_length=32, blank=True, editable=False)

    class Meta:
        abstract = True


class ApiKey(TenantOwned, SealedSecret):
    """A secret of one organisation at Aitronos. A replaced key is the same row, one version on."""

    label = models.CharField(max_length=80)
    status = models.CharField(
        max_length=10, choices=KeyLifecycle.choices, default=KeyLifecycle.ACTIVE, editable=False
    )
    # Of the secret in use; 0 while a first one is still being tested.
    version = models.PositiveIntegerField(default=1, editable=False)
    # The highest version ever sealed: none is used twice, so that what was sealed for, or
    # answered about, a discarded secret never passes for another one.
    issued_version = models.PositiveIntegerField(default=1, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    paused_by = models.CharField(max_length=254, blank=True, editable=False)
    grace_minutes = models.PositiveIntegerField(null=True)
    # The organisation's id at Aitronos, as a person entered it.
    organization_id = models.CharField(max_length=64, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The day it stops working at Aitronos, as a person entered it; blocks nothing here.
    expires_on = models.DateField(null=True)
    tags = models.ManyToManyField(KeyTag, related_name="keys")
    created_at = models.DateTimeField(editable=False)
    secret_set_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "status"], name="key_by_organisation"),
            models.Index(
                fields=["expires_on"],
                name="key_expiry",
                condition=models.Q(expires_on__isnull=False),
            ),
            models.Index(
                fields=["paused_at"],
                name="key_paused",
                condition=models.Q(paused_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "fingerprint"],
                condition=models.Q(status="active") & ~models.Q(fingerprint=""),
                name="key_once_per_organisation",
            )
        ]

    def __str__(self) -> str:
        return self.label


class KeyCandidate(CandidateSecret):
    """A new secret for a key, sealed by a form and waiting for the worker's test.

    Sealed for the version the key will have, so that keeping it copies bytes and opens nothing.
    """

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="candidate")
    version = models.PositiveIntegerField(editable=False)
    state = models.CharField(
        max_length=10,
        choices=CandidateState.choices,
        default=CandidateState.PENDING,
        editable=False,
    )
    # A person kept one that was refused: tested every hour until it works, beside the key in use.
    retries_hourly = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=254, editable=False)

    def __str__(self) -> str:
        return f"candidate for {self.key_id}, version {self.version}"


class ChannelSecretPurpose(models.TextChoices):
    """What a secret of a channel is for; the value is stored and part of what its seal is bound to.

    At most 16 ASCII characters.
    """

    ADDRESS = "address", _("address")  # where its messages go: a URL, or a routing key
    SIGNING = "signing", _("signing secret")


class ChannelSecret(SealedBytes):
    """A secret of a channel that alerts go to, bound to its purpose, owner, channel and version.

    The room of alerts lies above: a channel is its id here. A channel has one address; of signing
    secrets several are valid while it moves from one to the next.
    """

    # None: of the whole panel.
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, null=True, related_name="+"
    )
    channel_id = models.BigIntegerField(editable=False)
    purpose = models.CharField(max_length=16, choices=ChannelSecretPurpose.choices, editable=False)
    version = models.PositiveIntegerField(editable=False)
    # Keyed digest that finds the same address entered twice without opening it.
    fingerprint = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=254, blank=True, editable=False)
    # A former signing secret is valid until then; None for the present one.
    valid_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel_id", "purpose", "version"], name="channel_secret_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of channel {self.channel_id}, version {self.version}"


class MasterKeyCanary(models.Model):
    """A known text sealed to a master key: opening it proves that the master key fits."""

    master_key_id = models.CharField(max_length=16, unique=True, editable=False)
    ciphertext = models.BinaryField(editable=False)
    created_at = models.DateTimeField(editable=False)

    # The latest test by a process that opens keys; every worker tests all at its start.
    tested_at = models.DateTimeField(null=True, editable=False)
    tested_by = models.CharField(max_length=120, blank=True, editable=False)
    result = models.CharField(
        max_length=10, choices=CanaryResult.choices, blank=True, editable=False
    )

    def __str__(self) -> str:
        return self.master_key_id


class MasterKeyRotation(models.Model):
    """The progress of one run that seals everything anew."""

    sealing_id = models.CharField(max_length=16, editable=False)
    started_at = models.DateTimeField(db_index=True, editable=False)
    # Updated with every batch: a run whose heartbeat is old was killed.
    heartbeat_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    total = models.PositiveIntegerField(editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    unreadable = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"rotation to {self.sealing_id}: {self.done} of {self.total}"

    def is_running(self, now: datetime) -> bool:
        """Whether it is unfinished and its heartbeat is less than 60 seconds old."""
        return self.finished_at is None and abs(now - self.heartbeat_at) < _ROTATION_STALLED_AFTER

    def is_interrupted(self, now: datetime) -> bool:
        """Whether it stopped without finishing; another run continues from there."""
        return self.finished_at is None and not self.is_running(now)


class ImportDraft(models.Model):
    """Many keys that one person pasted: tested first, saved only once the person confirms."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    state = models.CharField(
        max_length=10,
        choices=ImportDraftState.choices,
        default=ImportDraftState.OPEN,
        editable=False,
    )
    created_at = models.DateTimeField(db_index=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    # Who confirmed, for the audit events that the worker records when it has saved the keys.
    actor_name = models.CharField(max_length=254, blank=True, editable=False)
    actor_address = models.GenericIPAddressField(null=True, editable=False)

    def __str__(self) -> str:
        return f"import of {self.created_at:%Y-%m-%d %H:%M}"


class ImportDraftRow(CandidateSecret):
    """One row of the pasted text: its secret sealed for this row, the other cells as parsed.

    `organisation` is null for one that does not exist yet, and for a row that is malformed.
    """

    draft = models.ForeignKey(ImportDraft, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(editable=False)
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.CASCADE, null=True, related_name="+"
    )
    organisation_name = models.CharField(max_length=120, blank=True, editable=False)
    label = models.CharField(max_length=80, blank=True, editable=False)
    organization_id = models.CharField(max_length=64, blank=True, editable=False)
    tags = models.JSONField(default=list, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    expires_on = models.DateField(null=True, editable=False)
    grace_minutes = models.PositiveIntegerField(null=True, editable=False)
    # An organisation that this row would add beside one of nearly the same name; "" for none.
    similar_organisation_name = models.CharField(max_length=120, blank=True, editable=False)
    state = models.CharField(
        max_length=10,
        choices=ImportRowState.choices,
        default=ImportRowState.WAITING,
        editable=False,
    )
    problem = models.CharField(max_length=300, blank=True, editable=False)
    save_state = models.CharField(
        max_length=10, choices=ImportSaveState.choices, blank=True, editable=False
    )
    key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "number"], name="import_row_once"),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                name="import_row_waits",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["draft"], name="import_row_keeps", condition=models.Q(save_state="keeping")
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.number} of {self.draft_id}"
