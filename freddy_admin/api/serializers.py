"""Rows as values of the JSON API. Times are UTC, to the second."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from json.encoder import encode_basestring as json_text
from typing import Any

from freddy_admin.organisations.access import Access, actor_display_name
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.models.operations import OperationKind
from freddy_admin.sync.status.export import TRUE_TEXTS, StatusBatch, StatusRow
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.wording.failures import failure_wording

_JSON_FLAGS = ("false", "true")
_NO_FIGURES_JSON = (
    '"total_tools":null,"enabled_tools":null,"last_sync_at":null,"next_sync_at":null'
    ',"sync_interval_hours":null,"incremental_sync_enabled":null'
)


def status_list_json(
    batches: Iterable[StatusBatch], *, generated_at: str, ending: Mapping[str, Any]
) -> Iterator[bytes]:
    """The JSON of all these statuses, in pieces as the rows come; `ending` stands behind them.

    Where the rows fail, no closing bracket comes: what was sent cannot be read as a whole answer.
    """
    yield f'{{"generated_at":{json_text(generated_at)},"statuses":['.encode()
    separator = ""
    for batch in batches:
        if text := ",".join([_status_json(row, batch) for row in batch.rows]):
            # Half of a surrogate pair, which came in as an escape, cannot go out as bytes.
            yield (separator + text).encode("utf-8", "replace")
            separator = ","
    members = "".join(f",{json_text(name)}:{json.dumps(value)}" for name, value in ending.items())
    yield f"]{members}}}".encode()


def _status_json(row: StatusRow, batch: StatusBatch) -> str:
    """The JSON of one status. By hand: of ten thousand, a dictionary each is most of the time."""
    figures, error, text = _NO_FIGURES_JSON, "null", json_text
    if row.observed_at is not None:
        figures = _figures_json(row)
    if row.error_kind and (check_error := batch.errors.get(row.key_id)):
        error = json.dumps(
            _serialize_check_error(check_error), ensure_ascii=False, separators=(",", ":")
        )
    tags = batch.tags.get(row.key_id)
    owner = batch.owner_names.get(row.key_id)
    organization_id = row.entered_organization_id or row.reported_organization_id
    return (
        f'{{"organisation":{text(row.organisation_name)}'
        f',"organisation_slug":{text(row.organisation_slug)}'
        f',"key_id":{row.key_id},"key_label":{text(row.key_label)}'
        f',"state":"{row.state}","state_since":"{row.state_since}",{figures}'
        f',"checked_at":{_json_time(row.checked_at)},"observed_at":{_json_time(row.observed_at)}'
        f',"error":{error},"tags":[{",".join(map(text, tags)) if tags else ""}]'
        f',"organization_id":{text(organization_id) if organization_id else "null"}'
        f',"owner":{text(owner) if owner else "null"},"environment":{text(row.environment)}}}'
    )


def _figures_json(row: StatusRow) -> str:
    flag = row.incremental_sync_enabled
    return (
        f'"total_tools":{_json_number(row.total_tools)}'
        f',"enabled_tools":{_json_number(row.enabled_tools)}'
        f',"last_sync_at":{_json_time(row.last_sync_at)}'
        f',"next_sync_at":{_json_time(row.next_sync_at)}'
        f',"sync_interval_hours":{_json_number(row.sync_interval_hours)}'
        f',"incremental_sync_enabled":{"null" if flag is None else _JSON_FLAGS[flag in TRUE_TEXTS]}'
    )


def _json_number(value: int | None) -> int | str:
    return "null" if value is None else value


def _json_time(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def serialize_event(entry: TimelineEntry, access: Access) -> dict[str, Any]:
    """One event, as far as a user with this access may see it."""
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "at": format_utc(entry.at),
        "noticed_at": format_utc(entry.noticed_at),
        "until": format_utc(entry.until),
        "key_id": entry.key_id,
        "key_label": entry.key_label,
        "actor": actor_display_name(entry.actor_name, access.permissions),
        "details": entry.details if isinstance(entry.details, dict) else {},
    }


def serialize_operation(operation: RemoteOperation, access: Access) -> dict[str, Any]:
    """A remote operation, as far as a user with this access may see it."""
    is_sync = operation.kind == OperationKind.SYNC
    return {
        "id": operation.pk,
        "kind": str(operation.kind),
        "state": str(operation.state),
        "organisation": operation.organisation.name,
        "organisation_slug": operation.organisation.slug,
        "key_id": operation.key_id,
        "key_label": operation.key.label,
        "full": operation.full if is_sync else None,
        "tool_key": None if is_sync else operation.tool_key,
        "enable": None if is_sync else operation.enable,
        "requested_at": format_utc(operation.requested_at),
        "requested_by": actor_display_name(operation.requested_by, access.permissions),
        "sent_at": format_utc(operation.sent_at),
        "finished_at": format_utc(operation.finished_at),
        "confirmed_sync_at": format_utc(operation.confirmed_sync_at),
        "error": _serialize_check_error(_check_error_from_operation(operation))
        if operation.error_kind
        else None,
    }


def format_utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second; None for None."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _serialize_check_error(error: CheckError) -> dict[str, Any]:
    return {
        "code": error.code or error.kind,
        "http_status": error.http_status,
        "message": error.message or str(failure_wording(error).words),
        "trace_id": error.trace_id or None,
        "request_id": error.request_id or None,
        "kind": error.kind,
    }


def _check_error_from_operation(operation: RemoteOperation) -> CheckError:
    return CheckError(
        kind=operation.error_kind,
        code=operation.error_code,
        http_status=operation.error_http_status,
        message=operation.error_message,
        field="",
        detail="",
        trace_id=operation.trace_id,
        request_id=operation.request_id,
    )
