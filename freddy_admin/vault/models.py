"""API keys as they are stored: sealed, bound to their row, shown to nobody."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import TenantOwned


class KeyStatus(models.TextChoices):
    """Where a key is in its life."""

    DRAFT = "draft", _("being tested")
    ACTIVE = "active", _("active")
    REVOKED = "revoked", _("revoked")


class CandidateState(models.TextChoices):
    """What the test of a new key has shown so far."""

    PENDING = "pending", _("being tested")
    REFUSED = "refused", _("refused")
    UNTESTED = "untested", _("could not be tested")


class KeyTag(TenantOwned):
    """A word an organisation groups its keys by."""

    name = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="tag_once")]

    def __str__(self) -> str:
        return self.name


class SealedSecret(models.Model):
    """A sealed secret and what may be shown of it. Nothing here can open it."""

    # Format version, master key id and sealed bytes; null once wiped.
    # Nothing of this is `editable`: no form made from the model ever offers or accepts it.
    ciphertext = models.BinaryField(null=True, editable=False)
    # The master key's id once more: told apart from a damaged header by comparing the two.
    master_key_id = models.CharField(max_length=16, blank=True, editable=False)
    hint_start = models.CharField(max_length=13, blank=True, editable=False)
    hint_end = models.CharField(max_length=4, blank=True, editable=False)
    # Keyed digest that finds the same key pasted twice without opening it.
    fingerprint = models.CharField(max_length=64, blank=True, db_index=True, editable=False)

    class Meta:
        abstract = True


class ApiKey(TenantOwned, SealedSecret):
    """A secret of one organisation at Aitronos. A replaced key is the same row, one version on."""

    label = models.CharField(max_length=80)
    status = models.CharField(
        max_length=10, choices=KeyStatus.choices, default=KeyStatus.ACTIVE, editable=False
    )
    # Of the secret in use; 0 while a first one is still being tested.
    version = models.PositiveIntegerField(default=1, editable=False)
    # The highest version ever sealed: none is given out twice, so that what was sealed for, or
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
    tags = models.ManyToManyField(KeyTag, related_name="keys")
    created_at = models.DateTimeField(editable=False)
    secret_set_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "status"], name="key_by_organisation"),
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


class KeyCandidate(SealedSecret):
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
    outcome_kind = models.CharField(max_length=40, blank=True, editable=False)
    outcome_code = models.CharField(max_length=64, blank=True, editable=False)
    outcome_http_status = models.PositiveSmallIntegerField(null=True, editable=False)
    outcome_message = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    lease_token = models.CharField(max_length=32, blank=True, editable=False)

    def __str__(self) -> str:
        return f"candidate for {self.key_id}, version {self.version}"


class MasterKeyCanary(models.Model):
    """A known text sealed to a master key: opening it proves that the master key fits."""

    master_key_id = models.CharField(max_length=16, unique=True, editable=False)
    ciphertext = models.BinaryField(editable=False)
    created_at = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        return self.master_key_id
