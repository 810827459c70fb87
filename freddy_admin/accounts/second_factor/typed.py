"""What somebody sent before they were asked to confirm: carried along, secrets excepted.

It travels in the page itself, as hidden fields of the question; only for the way to a provider of
single sign-on and back is it laid into the session.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final, Self

from django.http import HttpRequest, QueryDict

# Fields of the question, so that they are never mistaken for those of the page it stands on.
PREFIX: Final = "confirm"
OPENS, DOES = "open", "do"
# Characters of names and values together; what is more is not kept.
LIMIT: Final = 16_000
# Whatever a page calls by these names is a secret, or of no use a second time.
NEVER_KEPT: Final = frozenset({"csrfmiddlewaretoken", "api_key", "rows", "code", "credential"}) | {
    *("password", "password1", "password2", "oldpassword")
}
_SESSION_KEY: Final = "confirmation_typed"
Aside = dict[str, Any]
_AT_MOST: Final = 3
_KEPT_SECONDS: Final = 15 * 60


@dataclass(frozen=True, slots=True)
class Typed:
    """`opens`: a page was asked for, and nothing sent. `left_out`: there were secrets, or files."""

    opens: bool
    kept: QueryDict
    left_out: bool = False
    too_long: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Of a request for a page, of one that sends something, or of an answer to the question."""
        kept = QueryDict(mutable=True)
        if request.method != "POST":
            return cls(opens=True, kept=kept)
        sent, own = request.POST, f"{PREFIX}-"
        answers = is_answer(request)
        # Where a view says what must not be written down, it says what must not be kept.
        marked = getattr(request, "sensitive_post_parameters", ())
        left_out = bool(request.FILES) or f"{own}left-out" in sent
        for name, values in sent.lists():
            if name in NEVER_KEPT or name in marked:
                left_out = left_out or (name != "csrfmiddlewaretoken" and any(values))
            elif not name.startswith(own):
                kept.setlist(name, values)
        too_long = f"{own}too-long" in sent
        if sum(len(name) + len(one) for name, values in kept.lists() for one in values) > LIMIT:
            kept, too_long = QueryDict(mutable=True), True
        return cls(
            opens=too_long or (answers and sent[f"{own}then"] != DOES),
            kept=kept,
            left_out=left_out and not too_long,
            too_long=too_long,
        )

    @property
    def then(self) -> str:
        """What the question says of itself in its answer."""
        return OPENS if self.opens else DOES

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Each value under its name, as hidden fields carry them."""
        return [(name, value) for name, values in self.kept.lists() for value in values]

    def put_back(self, request: HttpRequest) -> None:
        """Let the view find what was typed, and nothing of the question."""
        request.POST = self.kept  # type: ignore[assignment]


def is_answer(request: HttpRequest) -> bool:
    """Whether this answers the question, with what had been typed."""
    return request.method == "POST" and f"{PREFIX}-then" in request.POST


def typed_lay_aside(request: HttpRequest, typed: Typed, *, path: str) -> str:
    """Keep it in this session for a quarter of an hour, and no more than three; its name."""
    fields = [list(pair) for pair in typed.fields]
    entry: Aside = {"path": path, "fields": fields, "left_out": typed.left_out}
    entry |= {"of": str(request.user.pk)}
    # Asked several times over the same, it is kept once.
    others = [one for one in _laid_aside(request) if not entry.items() <= one.items()]
    entry |= {"name": secrets.token_urlsafe(12), "at": time.time()}
    request.session[_SESSION_KEY] = [*others, entry][-_AT_MOST:]
    return str(entry["name"])


def typed_take(request: HttpRequest, name: str) -> Aside | None:
    """What was laid aside under this name by this person, with its `path` and `fields`; once."""
    kept = _laid_aside(request)
    found = next((one for one in kept if one["name"] == name), None)
    if found is None:
        return None
    request.session[_SESSION_KEY] = [one for one in kept if one is not found]
    return found if found["of"] == str(request.user.pk) else None


def _laid_aside(request: HttpRequest) -> list[Aside]:
    kept: list[Aside] = request.session.get(_SESSION_KEY, [])
    return [one for one in kept if 0 <= time.time() - one["at"] < _KEPT_SECONDS]
