"""The panel's own condition: its workers, the API, the database, the cache, the clock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.core.tasks import QueueName
from freddy_admin.core.write_failures import WriteFailure
from freddy_admin.sync.models import ApiHealth
from freddy_admin.sync.platform_status import PlatformStatus, is_worker_alive
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.sync.waiting_work import WaitingWork
from freddy_admin.wording.environments import is_environment_shown
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.outbox import mail_lane_condition
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    Text,
    moment_ago,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN


def database_failure_title(failure: WriteFailure) -> Text:
    """The heading above the sentence of a write failure."""
    if failure is WriteFailure.UNREACHABLE:
        return _("The panel cannot reach its database")
    return _("Nothing can be saved now")


@dataclass(frozen=True, slots=True)
class PartWording:
    """One part of the panel: a word, sentences, and a line per instance.

    `is_waiting` says that what is wrong is for others to mend: nobody here can do anything.
    """

    icon: str
    name: Text
    tone: str
    label: Sentence
    words: tuple[Sentence, ...] = ()
    lines: tuple[Sentence, ...] = field(default_factory=tuple)
    is_waiting: bool = False


_PARTS_NEED_YOU: Final[Any] = ngettext_lazy("{n} part needs you", "{n} parts need you", "n")


_PARTS_WAIT: Final[Any] = ngettext_lazy("{n} part is waiting", "{n} parts are waiting", "n")


def parts_summary(*, needing_you: int, waiting: int) -> Sentence:
    """The condition of all parts: how many need somebody here, how many wait for others."""
    counts = ((_PARTS_NEED_YOU, needing_you), (_PARTS_WAIT, waiting))
    phrases = tuple(say_counted(text, count) for text, count in counts if count)
    if not phrases:
        return say(_("Everything works"))
    return say("{counts}", counts=Phrases(phrases, " · "))


_WORKERS_RUN: Final[Any] = ngettext_lazy("{n} worker runs", "{n} workers run", "n")


def worker_wording(status: PlatformStatus, now: datetime) -> PartWording:
    """How many workers run, or since when none does."""
    name = _("Worker")
    lines = tuple(
        say(
            _("{name} · version {version} · seen {seen} · {checks} checks since {start}"),
            name=worker.name,
            version=worker.version,
            seen=moment_ago(worker.heartbeat_at),
            checks=worker.checks_done,
            start=Moment(worker.started_at),
        )
        for worker in status.workers
        if is_worker_alive(worker, now=now)
    )
    if status.alive_workers:
        label = say_counted(_WORKERS_RUN, status.alive_workers)
        late = [work for work in status.waiting if work.is_late(now)]
        words = (say(_("Checks run on schedule and on demand.")), *map(late_work_sentence, late))
        if late:
            words += (say(_("More workers do more at a time.")),)
        return PartWording("settings", name, WARN if late else GOOD, label, words, lines)
    latest_at = max((worker.heartbeat_at for worker in status.workers), default=None)
    last_seen = say(_("Last seen {ago}."), ago=moment_ago(latest_at)) if latest_at else EMPTY
    no_worker = say(_("Nothing is checked. Start it with `manage.py run_worker`."))
    return PartWording(
        "settings", name, BAD, say(_("no worker runs")), (last_seen, no_worker), lines
    )


WAITING_WORK_NAMES: Final[dict[QueueName, Any]] = {
    QueueName.CHECK_REQUESTS: ngettext_lazy(
        "{n} check that was asked for", "{n} checks that were asked for", "n"
    ),
    QueueName.CANDIDATES: ngettext_lazy("{n} new key to test", "{n} new keys to test", "n"),
    QueueName.IMPORT_ROWS: ngettext_lazy("{n} pasted key to test", "{n} pasted keys to test", "n"),
    QueueName.OPERATIONS: ngettext_lazy("{n} sync or switch", "{n} syncs and switches", "n"),
    QueueName.CATALOGS: ngettext_lazy("{n} list to fetch", "{n} lists to fetch", "n"),
}


def late_work_sentence(work: WaitingWork) -> Sentence:
    """How much waits in a queue, and since when; `work` is late, so that something does."""
    return say(
        _("Waiting: {what}, the first since {ago}."),
        what=say_counted(WAITING_WORK_NAMES[work.queue], work.count),
        ago=moment_ago(work.since) if work.since else EMPTY,
    )


def api_wordings(status: PlatformStatus) -> list[PartWording]:
    """Whether the API's health route answers, for each environment."""
    return [api_wording(environment, api) for environment, api in status.apis]


def api_wording(environment: ApiEnvironment, api: ApiHealth | None) -> PartWording:
    """Whether the health route of this environment answers."""
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
    if api.reachable:
        words = (
            say(_("Asked {ago}."), ago=asked)
            if api.elapsed_ms is None
            else say(_("Asked {ago}. {n} ms"), ago=asked, n=round(api.elapsed_ms)),
        )
        return PartWording("heartbeat", name, GOOD, say(_("reachable")), words, lines)
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


def database_wording(status: PlatformStatus) -> PartWording:
    """The database that answered."""
    words = (say(_("It answered this page.")),)
    return PartWording("database", _("Database"), GOOD, say(status.database), words)


def cache_wording(status: PlatformStatus) -> PartWording:
    """Whether the cache works."""
    tone, words = GOOD, say(_("It keeps and returns values."))
    if status.cache_problem:
        tone = WARN
        words = say(
            _("{problem} The panel goes on without it, a little slower."),
            problem=status.cache_problem,
        )
    label = say("Redis") if status.cache == "Redis" else say(_("a table of the database"))
    return PartWording("adjustments", _("Cache"), tone, label, (words,))


def mail_wording(status: PlatformStatus, now: datetime) -> PartWording:
    """Whether mails are sent."""
    tone, label, sentences = mail_lane_condition(status.mail, now)
    words = tuple(sentences) or (say(_("Invitations and resets go out as they are asked for.")),)
    return PartWording("mail", _("Mail"), tone, label, words)


def clocks_agree_wording(status: PlatformStatus) -> PartWording:
    """That the clocks agree, or were not compared yet."""
    name = _("Clock")
    if status.clocks_compared_at is None:
        words = (say(_("The worker compares it once a minute.")),)
        return PartWording("clock", name, QUIET, say(_("not compared yet")), words)
    return PartWording("clock", name, GOOD, say(_("right")), (say(_("The clocks agree.")),))


def deletion_held_wording(cause: str, now: datetime, *, is_harmless: bool) -> PartWording:
    """That nothing is deleted until the clock is right; `cause` says why."""
    return PartWording(
        "clock",
        _("Clock"),
        QUIET if is_harmless else WARN,
        say(_("deletion is held")),
        (say("{cause}", cause=cause),),
        (say(_("By this machine's clock it is {now}."), now=Moment(now, MomentStyle.EXACT)),),
    )


def version_wording(status: PlatformStatus) -> PartWording:
    """Whether all workers run the version of the pages."""
    behind = [worker.name for worker in status.workers if worker.version != status.version]
    words = (
        _("Some workers run another version. Restart them to bring them level.")
        if behind
        else _("Pages and workers run the same version.")
    )
    return PartWording(
        "tools",
        _("Freddy Admin"),
        WARN if behind else GOOD,
        say(_("version {version}"), version=status.version),
        (say(words),),
        tuple(say("{name}", name=name) for name in behind),
    )
