"""Live updates: the browser sends what it shows and gets the parts that changed.

First comes the version of its whole view (`sync.status.view_version`): where that is still the
present one, nothing else is read. Then come the digests of its parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.status.view_version import ShownVersion, ViewState, view_name, view_state

VERSION_HEADER = "X-Version"

SEEN_HEADER_LIMIT = 8_192
_PACKED_DIGITS = 6


def current_time_ms() -> int:
    """The panel's time in milliseconds since 1970, from which the browser counts on."""
    return int(clock.now().timestamp() * 1000)


def seen_part_digests(request: HttpRequest) -> dict[str, str] | None:
    """Part → digest, as the browser shows them; None where the request is for a whole page."""
    if request.headers.get("X-Live") != "1":
        return None
    text = request.headers.get("X-Seen", "")[:SEEN_HEADER_LIMIT]
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {name: digest for name, _, digest in pairs}


def add_packed_row_digests(seen: dict[str, str], row_digests: Mapping[str, str]) -> None:
    """Put the rows of a long list into what a browser says it shows.

    It sends the first six digits of each digest, in the order of the list (`rows`): a header has
    a limit. A row whose digits are those of its present digest counts as shown as it is. Whether
    the order is the same, the digest of the frame says.
    """
    packed = seen.pop("rows", "")
    if len(packed) != _PACKED_DIGITS * len(row_digests):
        return
    for place, (anchor, digest) in enumerate(row_digests.items()):
        start = place * _PACKED_DIGITS
        if packed[start : start + _PACKED_DIGITS] == digest[:_PACKED_DIGITS]:
            seen[anchor] = digest


@dataclass(frozen=True, slots=True)
class LiveView:
    """A view as it is now, and the version of it that the browser shows, if it does."""

    name: str
    shown: ShownVersion | None
    state: ViewState

    @property
    def is_current(self) -> bool:
        """Whether the browser shows all there is: nothing has to be read or compared."""
        return self.shown is not None and not self.state.has_changed

    @property
    def are_checks_due(self) -> bool:
        """Whether the browser is to be told of checks that changed nothing."""
        return self.shown is None or self.shown.are_checks_due(self.state.now)

    def version(self, *, valid_until: datetime, with_checks: bool = True) -> str:
        """The text for a browser that is sent what changed, `with_checks` also of all checks."""
        checks_at = self.state.now
        if self.shown is not None and not with_checks:
            checks_at = self.shown.checks_at
        version = self.state.shown_version(checks_at=checks_at, valid_until=valid_until)
        return version.serialize(self.name)


def live_view(
    request: HttpRequest,
    *parts: object,
    user: User,
    now: datetime,
    organisation: Organisation | None = None,
) -> LiveView:
    """The view that the request asks for; one statement.

    `parts` name it: all that it depends on, beside the person and their language. It shows all
    that the person sees, or one organisation.
    """
    name, shown = view_name(user, get_language(), *parts), None
    if request.headers.get("X-Live") == "1":
        shown = ShownVersion.parse(request.headers.get(VERSION_HEADER, ""), name)
    state = view_state(user=user, organisation=organisation, now=now, shown=shown)
    return LiveView(name, shown, state)


def not_modified(version: str = "") -> HttpResponse:
    """204: the browser leaves the page as it is, and has it as this version where one is given."""
    headers = {VERSION_HEADER: version} if version else None
    return HttpResponse(status=204, headers=headers)


def render_parts(response: HttpResponse, version: str = "") -> HttpResponse:
    """The response, whose parts are swapped out of band: nothing else is to be replaced.

    With them, the browser shows this version, where one is given.
    """
    response["HX-Reswap"] = "none"
    if version:
        response[VERSION_HEADER] = version
    return response


def values_digest(*values: object) -> str:
    """A short digest of values; equal values give equal digests, in every process."""
    text = "\x1f".join(
        [str(value) if type(value) in _PLAIN_TYPES else _stable_text(value) for value in values]
    )
    return f"{crc32(text.encode('utf-8', 'backslashreplace')):08x}"


# Most values of a row; to ask each of them what it is an instance of costs half of a digest.
_PLAIN_TYPES = frozenset({str, bool, int, float, datetime, type(None)})


def _stable_text(value: object) -> str:
    if isinstance(value, frozenset | set):
        return ",".join(sorted(str(item) for item in value))
    if isinstance(value, tuple | list):
        return "(" + "\x1e".join(_stable_text(item) for item in value) + ")"
    return str(value)


def check_requested_since(request: HttpRequest) -> datetime | None:
    """When this person pressed *Check now*, from the query string (`asked`, milliseconds)."""
    text = request.GET.get("asked", "")
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)
