"""What is said of the Aitronos API: whether it answers and is well, and how often it is called."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.sync.checks.budget import budget_group_parse, budget_period
from freddy_admin.sync.models import ApiHealth
from freddy_admin.sync.platform_status import ApiHealths, PlatformStatus
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.wording.environments import environment_label, is_environment_shown
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import Sentence, Text, moment_ago, say, say_counted
from freddy_admin.wording.states import GOOD, QUIET, WARN
from freddy_admin.wording.times import precise_duration


def api_wordings(status: PlatformStatus) -> list[PartWording]:
    """Whether the API's health route answers, for each environment."""
    return [api_wording(environment, api) for environment, api in status.apis]


def api_wording(environment: ApiEnvironment, api: ApiHealth | None) -> PartWording:
    """Whether the health routes of this environment answer, and that all is well there."""
    lines: tuple[Sentence, ...] = (say(_("Address: {url}"), url=environment.base_url),)
    name: Text = _("Aitronos API")
    if is_environment_shown(environment.name):
        name = _("Aitronos API, %(environment)s") % {"environment": environment.name}
        headers = " + ".join(environment.key_headers)
        lines = (*lines, say(_("Keys are sent in {headers}"), headers=headers))
    if api is None:
        words = (say(_("The worker asks the public health route once a minute.")),)
        return PartWording("heartbeat", name, QUIET, say(_("not asked yet")), words, lines)
    asked = moment_ago(api.checked_at)
    condition = api_condition(api)
    if condition or api.reachable:
        age = (
            say(_("Asked {ago}."), ago=asked)
            if api.elapsed_ms is None
            else say(_("Asked {ago}. {n} ms"), ago=asked, n=round(api.elapsed_ms))
        )
        tone, label = (WARN, _("not well")) if condition else (GOOD, _("reachable"))
        return PartWording(
            "heartbeat",
            name,
            tone,
            say(label),
            (*condition, age),
            lines,
            is_waiting=bool(condition),
        )
    error = CheckError(
        kind=api.kind, code="", http_status=None, message="", field="", detail="",
        trace_id="", request_id="",
    )  # fmt: skip
    failure = failure_wording(error)
    sentences = (failure.words, say(failure.advice), say(_("Asked {ago}."), ago=asked))
    return PartWording(
        "heartbeat",
        name,
        WARN,
        failure.brief,
        sentences,
        lines,
        is_waiting=failure.is_only_waited_for,
    )


def api_conditions(healths: ApiHealths) -> tuple[Sentence, ...]:
    """What Aitronos says is not well in any environment, which is named where there are several."""
    sentences = list[Sentence]()
    for environment, api in healths:
        condition = api_condition(api) if api else ()
        if is_environment_shown(environment.name):
            text = _("{environment}: {condition}")
            condition = tuple(
                say(text, environment=environment.name, condition=sentence)
                for sentence in condition
            )
        sentences += condition
    return tuple(sentences)


def unreachable_places(healths: ApiHealths) -> tuple[str, ...]:
    """The environments that do not answer, where another one does; else none is to blame."""
    silent = [environment_label(place.name) for place, api in healths if api and api.kind]
    return tuple(silent) if any(api and not api.kind for _place, api in healths) else ()


def api_condition(api: ApiHealth) -> tuple[Sentence, ...]:
    """What Aitronos itself says is not well with it; empty where nothing is, or it is silent."""
    sentences = tuple(
        say(
            _COMPONENTS.get(component["name"].casefold(), _OTHER_COMPONENT),
            name=component["name"],
            status=component["status"],
        )
        for component in api.components
    )
    if sentences or api.kind:
        return sentences
    if api.status:
        return (say(_("Aitronos says of itself that it is “{status}”."), status=api.status),)
    if api.reachable:
        return ()
    return (say(_("Aitronos answers, but does not say that it is well.")),)


_COMPONENTS: Final[Mapping[str, Text]] = {
    "database": _("Aitronos says its database is not well (“{status}”)."),
    "redis_cache": _("Aitronos says its cache is not well (“{status}”)."),
    "limit_enforcement": _("Aitronos says its counting of limits is not well (“{status}”)."),
    "qdrant_vector_store": _("Aitronos says its search index is not well (“{status}”)."),
}
_OTHER_COMPONENT: Final = _("Aitronos says its part “{name}” is not well (“{status}”).")


def calls_wording(status: PlatformStatus, now: datetime) -> PartWording:
    """How many calls were made today, and whether checks are stretched to stay within a day's."""
    calls, daily = status.calls, settings.AITRONOS_DAILY_CALLS
    words = [say(_("Aitronos allows each of its organisations {daily} calls a day."), daily=daily)]
    if calls.stretched_groups:
        words.append(say_counted(_GROUPS_STRETCHED, calls.stretched_groups))
    lines = tuple(
        say_counted(
            _GROUP_CALLS,
            budget.key_count,
            name=_budget_group_name(budget.budget_group, calls.organisation_names),
            calls=budget.calls,
            daily=daily,
            span=precise_duration(budget_period(budget, now=now)),
        )
        for budget in calls.fullest
    )
    label = say_counted(_CALLS_TODAY, calls.calls)
    return PartWording("refresh", _("Calls of Aitronos"), GOOD, label, tuple(words), lines)


_CALLS_TODAY: Final[Any] = ngettext_lazy("{n} call today", "{n} calls today", "n")
_GROUPS_STRETCHED: Final[Any] = ngettext_lazy(
    "For {n} of them the keys are checked less often, evenly over the day, to stay within that.",
    "For {n} of them the keys are checked less often, evenly over the day, to stay within that.",
    "n",
)
_GROUP_CALLS: Final[Any] = ngettext_lazy(
    "{name} · {calls} of {daily} calls since midnight UTC · {n} key, every {span}",
    "{name} · {calls} of {daily} calls since midnight UTC · {n} keys, each every {span}",
    "n",
)


def _budget_group_name(group: str, organisation_names: Mapping[int, str]) -> Sentence:
    """The group in words; its environment is named where there are several."""
    parts = budget_group_parse(group)
    organisation_id = parts.organisation_id
    if organisation_id is None:
        sentence = say("{id}", id=parts.id)
    else:
        name = organisation_names.get(organisation_id, str(organisation_id))
        text: Text = (
            _("{id} (as entered for {organisation})")
            if parts.id
            else _("{organisation} (its id at Aitronos is not known)")
        )
        sentence = say(text, id=parts.id, organisation=name)
    if not is_environment_shown(parts.environment):
        return sentence
    return say(_("{name}, {environment}"), name=sentence, environment=parts.environment)


def missing_environments_wording(status: PlatformStatus) -> list[PartWording]:
    """The environments that keys belong to although they are not set up; usually none."""
    if not status.missing_environments:
        return []
    lines = tuple(
        say_counted(_KEYS_OF_ENVIRONMENT, count, name=name)
        for name, count in status.missing_environments.items()
    )
    words = _(
        "Keys of an environment that AITRONOS_ENVIRONMENTS does not name are not called. Name it "
        "again, or replace these keys."
    )
    label = say(_("not set up"))
    return [PartWording("key-off", _("Environments"), WARN, label, (say(words),), lines)]


_KEYS_OF_ENVIRONMENT: Final[Any] = ngettext_lazy("{name}: {n} key", "{name}: {n} keys", "n")
