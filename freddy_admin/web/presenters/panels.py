"""One key in full: its story, its figures, what is wrong and what can be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.secrets import masked
from freddy_admin.vault.selectors import candidate_of
from freddy_admin.web.presenters.actions import (
    Action,
    check_action,
    key_path,
    next_action,
    sync_action,
)
from freddy_admin.web.presenters.candidates import CandidateView, candidate_view
from freddy_admin.web.presenters.expiry import ExpiryView, day_words, expiry_view
from freddy_admin.web.presenters.history.view import HistoryView
from freddy_admin.web.presenters.rows import mark_of, row_mark, tools_words
from freddy_admin.web.presenters.rule import RuleLine, grace_words, rule_lines
from freddy_admin.web.presenters.states import Pill, pill
from freddy_admin.web.presenters.story import Story, story
from freddy_admin.web.presenters.syncs.orders import OrderView
from freddy_admin.web.presenters.times import EITHER, Reading, interval_words, span_words
from freddy_admin.web.presenters.trouble import Trouble, trouble


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with its name; `mark` says what to think of it."""

    name: str
    value: SafeString | str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What became of the check this person asked for."""

    tone: str
    words: SafeString


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything the page shows of one key."""

    anchor: str
    mark: str
    label: str
    href: str
    pill: Pill
    story: Story
    looked: SafeString
    figures: list[Fact]
    figures_note: str
    facts: list[Fact]
    warning: str
    expiry: ExpiryView | None
    trouble: Trouble | None
    check: Action | None
    hides_check: bool
    sync: Action | None
    main: Action | None
    manages: bool
    links: dict[str, str]
    paused: bool
    candidate: CandidateView | None
    rule: list[RuleLine]
    grace_words: str
    pending: bool
    evidence: Evidence | None
    news: str
    key_id: int
    history: HistoryView | None = None
    order: OrderView | None = None


def panel(row: KeyRow, key: ApiKey, on: Reading, *, asked: datetime | None = None) -> Panel:
    """The key for one person and one moment; `asked` is when this person pressed *Check now*."""
    manages = Permission.MANAGE_KEYS in row.permissions
    candidate = candidate_of(key=key)
    look = pill(row.state)
    wrong = trouble(row, on)
    evidence = _evidence(row, on, asked) if asked else None
    return Panel(
        anchor=f"key-{row.key_id}",
        mark=_mark(row, key, on, evidence),
        label=row.key_label,
        href=key_path(row, "key"),
        pill=look,
        story=story(row, on),
        looked=_looked(row, on),
        figures=_figures(row, on),
        figures_note=_figures_note(row),
        facts=_facts(row, key, on),
        warning=_warning(row),
        expiry=expiry_view(row),
        trouble=wrong,
        check=check_action(row),
        # The panel of what is wrong has one button; a second one of the same kind would be noise.
        hides_check=bool(wrong and wrong.action and wrong.action.href.endswith("/check/")),
        sync=_beside(sync_action(row), wrong),
        main=wrong.action if wrong else _main(row),
        manages=manages,
        links={name: key_path(row, f"key_{name}") for name in _LINKS},
        paused=row.paused_at is not None,
        candidate=candidate_view(key, candidate, on, permissions=row.permissions, row=row)
        if candidate
        else None,
        rule=rule_lines(row.state_rule),
        grace_words=grace_words(),
        pending=row.check_pending or row.sync_running,
        evidence=evidence,
        news=_("%(label)s: checked. %(state)s.") % {"label": row.key_label, "state": look.word},
        key_id=row.key_id,
    )


_LINKS = ("replace", "edit", "pause", "resume", "revoke", "check")


def _mark(row: KeyRow, key: ApiKey, on: Reading, evidence: Evidence | None) -> str:
    """Changes when anything shown does, also where only a moment has passed."""
    candidate = candidate_of(key=key)
    moments = (row.due_at, row.overdue_at, row.hold_until, row.next_check_at)
    return mark_of(
        row_mark(row),
        row.next_check_at,
        row.hold_until,
        [moment is not None and moment <= on.now for moment in moments],
        candidate and (candidate.version, candidate.state),
        (key.owner_id, key.organization_id, key.grace_minutes, key.secret_set_at),
        [tag.name for tag in key.tags.all()],
        evidence and evidence.tone,
    )


def _beside(action: Action | None, wrong: Trouble | None) -> Action | None:
    """The action, unless the panel of what is wrong offers the very same one."""
    shown = wrong.action if wrong else None
    return None if action and shown and shown.href == action.href else action


def identical_figures(rows: list[KeyRow]) -> bool:
    """Whether several keys report the very same figures: most likely one shared catalogue."""
    seen = [row.figures for row in rows if row.figures is not None]
    return len(seen) > 1 and len(set(seen)) == 1


def _main(row: KeyRow) -> Action | None:
    action = next_action(row)
    return action if action and not action.href.endswith("/check/") else None


def _looked(row: KeyRow, on: Reading) -> SafeString:
    if row.checked_at is None:
        looked = SafeString(_("We have not looked yet"))  # nosec B703
    else:
        looked = format_html(_("We looked {ago}"), ago=on.ago(row.checked_at))
    if row.paused_at is not None:
        return looked
    if row.check_pending:
        return format_html(_("{looked} · checking now"), looked=looked)
    if row.hold_until is not None and row.hold_until > on.now:
        return format_html(
            _("{looked} · Aitronos asked us to wait, next try {at}"),
            looked=looked,
            at=on.at(max(row.hold_until, row.next_check_at)),
        )
    return format_html(
        _("{looked} · next look {until}"), looked=looked, until=on.until(row.next_check_at)
    )


def _figures(row: KeyRow, on: Reading) -> list[Fact]:
    figures = row.figures
    if figures is None:
        return []
    last, after = figures.last_sync_at, figures.next_sync_at
    hours = figures.sync_interval_hours
    too_many = figures.enabled_tools > figures.total_tools
    backwards = bool(last and after and after < last)
    return [
        Fact(_("Last synced"), on.both(last, EITHER) if last else _("never")),
        Fact(_("Next sync"), on.both(after, EITHER) if after else _("not named"), _odd(backwards)),
        Fact(_("Interval"), interval_words(hours) if hours else _("none")),
        Fact(_("Tools on / total"), tools_words(row), _odd(too_many)),
        Fact(_("Incremental sync"), _("on") if figures.incremental_sync_enabled else _("off")),
    ]


def _odd(odd: bool) -> str:
    return _("inconsistent") if odd else ""


def _figures_note(row: KeyRow) -> str:
    if row.figures is None:
        return ""
    if row.figures_are_former:
        return _("From before the change: no answer has come since.")
    if row.figures.inconsistent:
        return _("Shown as Aitronos sent them; the marked figures contradict each other.")
    return ""


def _facts(row: KeyRow, key: ApiKey, on: Reading) -> list[Fact]:
    grace = span_words(row.grace.total_seconds())
    own = _("%(span)s, its own") if row.grace_minutes is not None else _("%(span)s, by the rule")
    facts = [
        Fact(_("API key"), format_html("<code>{}</code>", masked(key))),
        Fact(_("Owner"), row.owner_name or _("nobody yet")),
        Fact(_("Tags"), ", ".join(tag.name for tag in key.tags.all()) or _("none")),
        Fact(_("Grace"), own % {"span": grace}),
        Fact(_("Organisation id at Aitronos"), _id_at_aitronos(row)),
        Fact(_("Expires"), day_words(row.expires_on) if row.expires_on else _("no date given")),
    ]
    if key.secret_set_at is not None:
        facts.append(Fact(_("Key stored"), on.ago(key.secret_set_at)))
    return facts


def _id_at_aitronos(row: KeyRow) -> str:
    if row.organization_id:
        return row.organization_id
    if row.reported_organization_id:
        return _("%(id)s (as Aitronos reports)") % {"id": row.reported_organization_id}
    return _("not given")


def _warning(row: KeyRow) -> str:
    entered, reported = row.organization_id, row.reported_organization_id
    if entered and reported and entered != reported:
        return _(
            "Aitronos answers for another organisation (%(reported)s) than the one entered here "
            "(%(entered)s). The key may belong to somebody else: compare before you rely on it."
        ) % {"reported": reported, "entered": entered}
    return ""


def _evidence(row: KeyRow, on: Reading, asked: datetime) -> Evidence | None:
    if on.now - asked > timedelta(minutes=10):
        return None
    if row.checked_at is not None and row.checked_at >= asked:
        word = str(row.state.label)
        return Evidence(
            tone=pill(row.state).tone,
            words=format_html(
                _("Checked at {at}, after you asked: {state}."),
                at=on.at(row.checked_at),
                state=word,
            ),
        )
    if row.state is State.PAUSED:
        return None
    if on.now - asked > timedelta(seconds=45):
        words = SafeString(_("The check has not ended yet. The worker may be busy or stopped."))  # nosec B703
        return Evidence(tone="warn", words=words)
    return Evidence(
        tone="quiet",
        words=format_html(_("Checking, as you asked {ago}…"), ago=on.ago(asked)),
    )
