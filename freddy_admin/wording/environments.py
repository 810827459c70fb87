"""Environments: where a key belongs, and that another one may be the right one for it."""

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.conf.api_environments import (
    DEFAULT_ENVIRONMENT,
    ApiEnvironment,
    api_environments,
)
from freddy_admin.vault.models import CandidateSecret
from freddy_admin.wording.sentences import EMPTY, Sentence, Text, render_text, say

# Brief, words, who can fix it, what to do: of a call whose key belongs to no environment of ours.
ENVIRONMENT_MISSING: Final = (
    _("Environment not set up"),
    _(
        "This key belongs to an environment that is not set up here, so it is not called: a key "
        "is never sent to the address of another environment."
    ),
    _("The people who run this panel."),
    _(
        "Name the environment in AITRONOS_ENVIRONMENTS, or paste a key of another environment in "
        "its place."
    ),
)
# These codes come from an environment that knows the key: no other one is meant.
_CODES_OF_KNOWN_KEYS: Final = frozenset(
    {"API_KEY_EXPIRED", "API_KEY_PAUSED", "API_KEY_DEACTIVATED"}
)


def is_environment_shown(name: str) -> bool:
    """Whether pages say where a key belongs: there are several places, or it is of another one."""
    return name != DEFAULT_ENVIRONMENT or bool(settings.AITRONOS_ENVIRONMENTS)


def environment_label(name: str) -> str:
    """`staging (staging-api.aitronos.com)`, or `staging (not set up)`."""
    environment = api_environments().get(name)
    place = environment.host if environment else _("not set up")
    return str(say(_("{name} ({place})"), name=name, place=place))


def environment_facts(name: str) -> list[tuple[str, str]]:
    """Name and value for a list of a key's facts; none where there is one environment alone."""
    return [(str(_("Environment")), environment_label(name))] if is_environment_shown(name) else []


def candidate_environment(candidate: CandidateSecret) -> dict[str, object]:
    """Where a new secret is tested (empty where there is one place), and where else it may belong.

    The hint is for one that was refused.
    """
    name = candidate.environment
    if not is_environment_shown(name):
        return {}
    kind, code = candidate.result_kind, candidate.result_code
    hint = other_environments_hint(kind, code, name)
    return {"label": environment_label(name), "hint": render_text(hint)}


def call_lines(name: str, path: str) -> list[tuple[Text, str]]:
    """Name and value for support: which call is made with keys of this environment, and how."""
    base_url, headers = settings.AITRONOS_API_BASE_URL, settings.AITRONOS_API_KEY_HEADER
    if name != DEFAULT_ENVIRONMENT:
        environment = api_environments().get(name)
        if environment is None:
            return [*environment_facts(name), (_("Call"), str(_("none, it is not set up")))]
        base_url, headers = environment.base_url, environment.key_headers
    return [
        *environment_facts(name),
        (_("Call"), f"GET {base_url}{path}"),
        (_("Base URL"), base_url),
        (_("Header with the key"), ", ".join(headers)),
    ]


def other_environments_hint(kind: str, code: str, environment: str) -> Sentence:
    """That a refused key may belong to another environment; empty where that cannot be.

    The API says the same of a key that it does not know and of one of another environment.
    """
    is_unknown_there = kind == FailureKind.KEY_REFUSED and code not in _CODES_OF_KNOWN_KEYS
    if not (is_unknown_there and settings.AITRONOS_ENVIRONMENTS):
        return EMPTY
    others = [other for name, other in api_environments().items() if name != environment]
    return say(
        _(
            "It was asked at {place}. There is also {others}: a key of one environment is refused "
            "by the others. If this key belongs there, paste it again and choose that environment."
        ),
        place=environment_label(environment),
        others=" · ".join(environment_label(other.name) for other in others),
    )


def environment_summary(environments: Iterable[ApiEnvironment]) -> str:
    """Each environment's address and headers, for the operator."""
    text: Text = _("{name} is {address}, keys are sent in {headers}")
    summaries = (
        say(
            text,
            name=environment.name,
            address=environment.base_url,
            headers=" + ".join(environment.key_headers),
        )
        for environment in environments
    )
    return "; ".join(map(str, summaries))
