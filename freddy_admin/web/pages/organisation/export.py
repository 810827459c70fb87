"""All that is stored of one organisation, as a zip of JSON files; reads no secret."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from freddy_admin.alerts.export import incidents_export, windows_export
from freddy_admin.audit.selectors import audit_events_of_organisations
from freddy_admin.core import clock
from freddy_admin.core.row_batches import values_in_batches
from freddy_admin.organisations.invitations import open_invitations_list
from freddy_admin.organisations.members import members_list
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.export import (
    catalog_export,
    check_runs_export,
    history_export,
    keys_export,
    operations_export,
)

AUDIT_EVENT_FIELDS = ("at", "tag", "actor_name", "subject", "details", "address")


def organisation_export_zip(organisation: Organisation) -> IO[bytes]:
    """The zip as a temporary file on disk, positioned at its start; the caller closes it."""
    file = TemporaryFile()  # noqa: SIM115  the response closes it once it is sent
    parts: dict[str, Iterable[Any]] = {
        "keys": keys_export(organisation=organisation),
        "members": _export_members(organisation),
        "invitations": _export_invitations(organisation),
        "history": history_export(organisation=organisation),
        "checks": check_runs_export(organisation=organisation),
        "orders": operations_export(organisation=organisation),
        "lists": catalog_export(organisation=organisation),
        "incidents": incidents_export(organisation=organisation),
        "maintenance_windows": windows_export(organisation=organisation),
        "audit": _export_audit_events(organisation),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("organisation.json", _encode_json(_export_organisation(organisation)))
        for name, values in parts.items():
            with archive.open(f"{name}.json", "w") as part:
                _write_json_array(part, values)
    file.seek(0)
    return file


def _export_organisation(organisation: Organisation) -> dict[str, Any]:
    return {
        "name": organisation.name,
        "slug": organisation.slug,
        "created_at": organisation.created_at,
        "exported_at": clock.now(),
        "exported_by": f"Freddy Admin {settings.VERSION}",
    }


def _export_members(organisation: Organisation) -> Iterator[dict[str, Any]]:
    for member in members_list(organisation=organisation):
        yield {
            "name": member.name,
            "email": member.email,
            "role": member.role.value,
            "since": member.joined_at,
            "last_sign_in": member.last_sign_in,
        }


def _export_invitations(organisation: Organisation) -> Iterator[dict[str, Any]]:
    for invitation in open_invitations_list(organisation=organisation):
        yield {
            "email": invitation.email,
            "role": invitation.role,
            "invited_by": invitation.invited_by,
            "created_at": invitation.created_at,
            "expires_at": invitation.expires_at,
        }


def _export_audit_events(organisation: Organisation) -> Iterator[dict[str, Any]]:
    rows = audit_events_of_organisations(organisation_ids=[organisation.pk])
    return values_in_batches(rows, AUDIT_EVENT_FIELDS, by="at")


def _write_json_array(part: IO[bytes], values: Iterable[Any]) -> None:
    """Write a JSON array, one value a line, as the values come."""
    separator = b"[\n"
    for value in values:
        part.write(separator + _encode_json(value).encode())
        separator = b",\n"
    part.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _encode_json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
