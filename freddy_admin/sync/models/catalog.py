"""The catalog of a key as last fetched: auth configs and connectors."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.models import TenantOwned


class CatalogKind(models.TextChoices):
    """What a catalog snapshot lists."""

    AUTH_CONFIGS = "auth_configs", _("auth configs")
    CONNECTORS = "connectors", _("connectors")


class CatalogSnapshot(TenantOwned):
    """The latest good list of one key, with why there is no newer one."""

    key = models.ForeignKey("vault.ApiKey", on_delete=models.CASCADE, related_name="+")
    key_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=CatalogKind.choices)
    items = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)  # as Aitronos counts; may exceed the items
    observed_at = models.DateTimeField(null=True)  # the latest good answer

    checked_at = models.DateTimeField(null=True)  # the latest finished call
    error_kind = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=128, blank=True)
    error_http_status = models.PositiveSmallIntegerField(null=True)
    error_message = models.CharField(max_length=300, blank=True)
    error_field = models.CharField(max_length=64, blank=True)
    error_system_message = models.CharField(max_length=300, blank=True)
    error_type = models.CharField(max_length=64, blank=True)
    error_timestamp = models.CharField(max_length=64, blank=True)
    trace_id = models.CharField(max_length=128, blank=True)
    request_id = models.CharField(max_length=128, blank=True)

    refresh_requested_at = models.DateTimeField(null=True)  # a page showed it although it was old
    requested_at = models.DateTimeField(null=True)  # somebody pressed the button
    hold_until = models.DateTimeField(null=True)  # Aitronos asked us to wait
    lease_until = models.DateTimeField(null=True)
    lease_token = models.CharField(max_length=32, blank=True)

    class Meta:
        indexes = [models.Index(fields=["refresh_requested_at"], name="listing_wanted")]
        constraints = [
            models.UniqueConstraint(fields=["key", "kind"], name="one_listing_per_key_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.key_id}"
