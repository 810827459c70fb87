"""The panel's own condition: its workers, the API, the database, the cache, the clock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.core.write_failures import WriteFailure
from freddy_admin.sync.platform_status import KeyOutcomes, PlatformStatus, is_worker_alive
from freddy_admin.wording.keys import CATALOGUE_ONLY
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


_PANEL_WORKS_KEYS_FAIL: Final[Any] = ngettext_lazy(
    "The panel works; {n} of {total} keys brings no figures",
    "The panel works; {n} of {total} keys bring no figures",
    "n",
)
_PARTS_NEED_YOU: Final[Any] = ngettext_lazy("{n} part needs you", "{n} parts need you", "n")
_PARTS_WAIT: Final[Any] = ngettext_lazy("{n} part is waiting", "{n} parts are waiting", "n")


def parts_summary(*, needing_you: int, waiting: int, keys: KeyOutcomes) -> Sentence:
    """The condition of all parts: how many need somebody here, how many wait for others.

    It never says that all works while `keys` do not.
    """
    counts = ((_PARTS_NEED_YOU, needing_you), (_PARTS_WAIT, waiting))
    phrases = tuple(say_counted(text, count) for text, count in counts if count)
    if not phrases and keys.failing:
        return say_counted(_PANEL_WORKS_KEYS_FAIL, keys.failing, total=keys.checked)
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
        words = (say(_("Checks run on schedule and on demand.")),)
        return PartWording("settings", name, GOOD, label, words, lines)
    latest_at = max((worker.heartbeat_at for worker in status.workers), default=None)
    last_seen = say(_("Last seen {ago}."), ago=moment_ago(latest_at)) if latest_at else EMPTY
    no_worker = say(_("Nothing is checked. Start it with `manage.py run_worker`."))
    return PartWording(
        "settings", name, BAD, say(_("no worker runs")), (last_seen, no_worker), lines
    )


def keys_wording(keys: KeyOutcomes) -> PartWording:
    """How many keys bring no figures, and what figures do not tell."""
    name = _("API keys")
    unseen = say(CATALOGUE_ONLY)
    if not keys.checked:
        return PartWording("key", name, QUIET, say(_("none checked yet")), (unseen,))
    if not keys.failing:
        return PartWording("key", name, GOOD, say(_("all bring figures")), (unseen,))
    words = say(_("Their latest check was refused or failed; the overview says why."))
    label = say_counted(_KEYS_FAIL, keys.failing, total=keys.checked)
    return PartWording("key", name, WARN if keys.half_fail else QUIET, label, (words, unseen))


_KEYS_FAIL: Final[Any] = ngettext_lazy(
    "{n} of {total} keys brings no figures", "{n} of {total} keys bring no figures", "n"
)


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
