"""The request that waits while its sender reauthenticates: carried along, secrets excepted.

It travels as hidden fields of the reauthentication page; only for the way to a provider of single
sign-on and back is it stored in the session.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final, Self

from django.http import HttpRequest, QueryDict

# Of the reauthentication page's own fields, so that they differ from those of the view's form.
FIELD_PREFIX: Final = "confirm"
ACTION_OPEN, ACTION_SUBMIT = "open", "do"
# Characters of names and values together; longer data is dropped.
DATA_LENGTH_LIMIT: Final = 16_000
# Fields of these names are secret on every page, or useless a second time.
OMITTED_FIELDS: Final = frozenset(
    {"csrfmiddlewaretoken", "api_key", "channel_address", "rows", "code", "credential"}
) | {*("password", "password1", "password2", "oldpassword")}
_SESSION_KEY: Final = "confirmation_typed"
StoredRequest = dict[str, Any]
_STORED_REQUESTS_LIMIT: Final = 3
_LIFETIME_SECONDS: Final = 15 * 60


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request to repeat after reauthentication.

    `is_navigation`: a page was asked for, and nothing sent. `has_omissions`: secrets or files were
    sent, which are not kept. `is_too_long`: more was sent than is kept.
    """

    is_navigation: bool
    data: QueryDict
    has_omissions: bool = False
    is_too_long: bool = False

    @classmethod
    def from_request(cls, request: HttpRequest) -> Self:
        """From a request for a page, a posted form, or a submitted reauthentication page."""
        data = QueryDict(mutable=True)
        if request.method != "POST":
            return cls(is_navigation=True, data=data)
        posted, prefix = request.POST, f"{FIELD_PREFIX}-"
        is_submission = is_reauthentication_submission(request)
        # What a view hides from error reports must not be kept either.
        sensitive_names = getattr(request, "sensitive_post_parameters", ())
        has_omissions = bool(request.FILES) or f"{prefix}left-out" in posted
        for name, values in posted.lists():
            if name in OMITTED_FIELDS or name in sensitive_names:
                has_omissions = has_omissions or (name != "csrfmiddlewaretoken" and any(values))
            elif not name.startswith(prefix):
                data.setlist(name, values)
        is_too_long = f"{prefix}too-long" in posted
        length = sum(len(name) + len(value) for name, values in data.lists() for value in values)
        if length > DATA_LENGTH_LIMIT:
            data, is_too_long = QueryDict(mutable=True), True
        return cls(
            is_navigation=is_too_long
            or (is_submission and posted[f"{prefix}then"] != ACTION_SUBMIT),
            data=data,
            has_omissions=has_omissions and not is_too_long,
            is_too_long=is_too_long,
        )

    @property
    def action(self) -> str:
        """The value of the page's hidden field `confirm-then`."""
        return ACTION_OPEN if self.is_navigation else ACTION_SUBMIT

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Each value under its name, as hidden fields carry them."""
        return [(name, value) for name, values in self.data.lists() for value in values]

    def restore_post_data(self, request: HttpRequest) -> None:
        """Put the data back as `request.POST`, without the reauthentication page's own fields."""
        request.POST = self.data  # type: ignore[assignment]


def is_reauthentication_submission(request: HttpRequest) -> bool:
    """Whether this request submits the reauthentication page."""
    return request.method == "POST" and f"{FIELD_PREFIX}-then" in request.POST


def pending_request_store(request: HttpRequest, pending: PendingRequest, *, path: str) -> str:
    """Store it in this session for 15 minutes, with at most two others; returns its name."""
    fields = [list(pair) for pair in pending.fields]
    entry: StoredRequest = {"path": path, "fields": fields, "left_out": pending.has_omissions}
    entry |= {"of": str(request.user.pk)}
    # Replaces an equal entry, which each view of the page would add again.
    other_entries = [
        stored for stored in _stored_requests(request) if not entry.items() <= stored.items()
    ]
    entry |= {"name": secrets.token_urlsafe(12), "at": time.time()}
    request.session[_SESSION_KEY] = [*other_entries, entry][-_STORED_REQUESTS_LIMIT:]
    return str(entry["name"])


def pending_request_pop(request: HttpRequest, name: str) -> StoredRequest | None:
    """What this person stored under this name, with its `path` and `fields`; removed by this."""
    entries = _stored_requests(request)
    entry = next((stored for stored in entries if stored["name"] == name), None)
    if entry is None:
        return None
    request.session[_SESSION_KEY] = [stored for stored in entries if stored is not entry]
    return entry if entry["of"] == str(request.user.pk) else None


def _stored_requests(request: HttpRequest) -> list[StoredRequest]:
    entries: list[StoredRequest] = request.session.get(_SESSION_KEY, [])
    return [entry for entry in entries if 0 <= time.time() - entry["at"] < _LIFETIME_SECONDS]
