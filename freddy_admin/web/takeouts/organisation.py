"""All that is kept of one organisation, as a zip of JSON files; no secret is read for it."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from freddy_admin.audit.selectors import audit_events
from freddy_admin.core import clock
from freddy_admin.organisations.invitations import invitations_open
from freddy_admin.organisations.members import members_of
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.takeout import checks_told, history_told, keys_told, lists_told, orders_told

AUDIT_FIELDS = ("at", "tag", "actor_name", "subject", "details", "address")


def organisation_zip(organisation: Organisation) -> IO[bytes]:
    """The file, to be read from its start; on disk, however much there is."""
    file = TemporaryFile()  # noqa: SIM115  the answer closes it once it is sent
    parts: dict[str, Iterable[Any]] = {
        "keys": keys_told(organisation=organisation),
        "members": _members(organisation),
        "invitations": _invitations(organisation),
        "history": history_told(organisation=organisation),
        "checks": checks_told(organisation=organisation),
        "orders": orders_told(organisation=organisation),
        "lists": lists_told(organisation=organisation),
        "audit": _audit(organisation),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("organisation.json", _json(_about(organisation)))
        for name, values in parts.items():
            with packed.open(f"{name}.json", "w") as part:
                _write(part, values)
    file.seek(0)
    return file


def _about(organisation: Organisation) -> dict[str, Any]:
    return {
        "name": organisation.name,
        "slug": organisation.slug,
        "created_at": organisation.created_at,
        "exported_at": clock.now(),
        "exported_by": f"Freddy Admin {settings.VERSION}",
    }


def _members(organisation: Organisation) -> Iterator[dict[str, Any]]:
    for one in members_of(organisation=organisation):
        yield {
            "name": one.name,
            "email": one.email,
            "role": one.role.value,
            "since": one.since,
            "last_sign_in": one.last_sign_in,
        }


def _invitations(organisation: Organisation) -> Iterator[dict[str, Any]]:
    for one in invitations_open(organisation=organisation):
        yield {
            "email": one.email,
            "role": one.role,
            "invited_by": one.invited_by,
            "created_at": one.created_at,
            "expires_at": one.expires_at,
        }


def _audit(organisation: Organisation) -> Iterator[dict[str, Any]]:
    rows = audit_events(organisation_ids=[organisation.pk]).order_by("at", "pk")
    yield from rows.values(*AUDIT_FIELDS).iterator(chunk_size=500)


def _write(part: IO[bytes], values: Iterable[Any]) -> None:
    """An array, one value a line, written as they come."""
    between = b"[\n"
    for value in values:
        part.write(between + _json(value).encode())
        between = b",\n"
    part.write(b"[]\n" if between == b"[\n" else b"\n]\n")


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
