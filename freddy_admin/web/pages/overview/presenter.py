"""The overview, ready for its templates: what concerns all keys, who is needed, and the list."""

from collections.abc import Mapping, Set
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.status.moves import OTHERS_MOVE, OWN_MOVE
from freddy_admin.sync.status.queries import NO_OWNER, OverviewFilters
from freddy_admin.sync.status.refused_alike import RefusedGroup
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.sync.status.selectors import PAGE_SIZE, PAGE_SIZES, Overview, PendingDecision
from freddy_admin.web.components import (
    ActionButton,
    SelectOption,
    banner_context,
    decision_link,
    incident_line,
    key_row_anchor,
    key_urls,
    next_step_button,
    organisations_url,
    render_key_rows,
    replace_key_button,
    state_pill,
)
from freddy_admin.web.pages.overview.filters import (
    NEEDS_YOU_VALUE,
    OVERVIEW_PARAMS,
    STATE_PARAM,
)
from freddy_admin.wording.environments import is_environment_shown
from freddy_admin.wording.keys import (
    DECISION_MOVE,
    expiring_count,
    key_count,
    key_expiry_label,
    key_expiry_sentence,
    key_expiry_tone,
    latest_and_next_check,
    need_you_count,
    pending_decision,
    see_all_of_others,
    see_all_own,
    shared_sync,
    shared_syncs_note,
    state_count,
    wait_for_others_count,
)
from freddy_admin.wording.next_steps import key_next_move, new_key_move, owner_to_ask
from freddy_admin.wording.notices import (
    NoticeWording,
)
from freddy_admin.wording.refused_alike import REFUSED_FILTER, refused_card_sentence
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    format_number,
    render_html,
    render_text,
    say,
)
from freddy_admin.wording.states import BAD, WARN, key_headline
from freddy_admin.wording.times import UserTime

CARDS_LIMIT = 6
# In the order of the address, worst first.
NEEDS_YOU_STATES = tuple(state for state in HealthState if state in STATES_NEEDING_ACTION)


def overview_page_context(
    overview: Overview,
    user_time: UserTime,
    *,
    notices: list[NoticeWording],
    digests: Mapping[str, str],
    seen_digests: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the templates show to one person at one moment.

    With `seen_digests` of a browser that shows this list, only those rows that changed.
    """
    filters, path = overview.filters, reverse("overview")
    seen = seen_digests or {}
    changed_rows = [
        row for row in overview.rows if seen.get(anchor := key_row_anchor(row)) != digests[anchor]
    ]
    is_narrowed = OVERVIEW_PARAMS.is_narrowed(filters)
    return {
        "overview": overview,
        "filters": filters,
        "digests": digests,
        "seen_digests": seen_digests,
        "out_of_band": seen_digests is not None,
        "banners": [banner_context(notice, user_time) for notice in notices],
        "chips": _state_count_chips(overview, path),
        "checked": render_html(latest_and_next_check(overview), user_time),
        "shared_sync_lines": _shared_sync_lines(overview, path),
        "shared_sync_note": render_text(shared_syncs_note(overview.more_shared_sync_groups)),
        "card_groups": _card_groups(overview, user_time, path),
        "columns": _sortable_columns(filters, path),
        "rows_html": render_key_rows(
            changed_rows, user_time, digests, out_of_band=seen_digests is not None
        ),
        "matching": render_text(
            key_count(overview.matching, overview.total if is_narrowed else None)
        ),
        "is_narrowed": is_narrowed,
        "states": _state_options(overview),
        "environments": _environment_options(overview),
        "is_without_owner": filters.owner == NO_OWNER,
        "live_href": OVERVIEW_PARAMS.build_url(filters, path),
        "without_expiring_href": OVERVIEW_PARAMS.build_url(filters, path, expiring=False),
        "refused_label": REFUSED_FILTER,
        "without_refused_href": OVERVIEW_PARAMS.build_url(filters, path, refused="", refused_at=""),
        "without_shared_sync_href": OVERVIEW_PARAMS.build_url(filters, path, figures_digest=""),
        "query": OVERVIEW_PARAMS.build_url(filters, page=1),
        "page_sizes": _page_size_links(overview, path),
        "pager": OVERVIEW_PARAMS.pager(
            filters,
            path,
            page=overview.page,
            page_count=overview.pages,
            before=overview.place_before if overview.page > 2 else None,
            after=overview.place_after,
        ),
    }


def _shared_sync_lines(overview: Overview, path: str) -> list[dict[str, str]]:
    """A sentence on each group of keys that share a sync, but for the group shown."""
    return [
        {
            "words": render_text(shared_sync(group)),
            "link": _("Show these %(n)s") % {"n": format_number(group.keys)},
            "href": OVERVIEW_PARAMS.build_url(
                OverviewFilters(figures_digest=group.figures_digest), path
            ),
        }
        for group in overview.shared_sync_groups
        if group.figures_digest != overview.filters.figures_digest
    ]


def _state_count_chips(overview: Overview, path: str) -> list[dict[str, Any]]:
    """How many keys are in a state, each with the filter for these."""
    filters, chips = overview.filters, []

    def add(
        words: str, tone: str, icon: str, states: tuple[HealthState, ...], move: str = ""
    ) -> None:
        active = (filters.states, filters.move) == (states, move)
        changes: dict[str, Any] = {"states": (), "move": ""}
        if not active:
            changes = {"states": states, "move": move}
        href = OVERVIEW_PARAMS.build_url(filters, path, **changes)
        chips.append({"words": words, "tone": tone, "icon": icon, "active": active, "href": href})

    own, others = overview.own_move_count_matching, overview.others_move_count_matching
    if own:
        move = OWN_MOVE if others else ""
        add(render_text(need_you_count(own)), BAD, "alert-octagon", NEEDS_YOU_STATES, move)
    if others:
        move = OTHERS_MOVE if own else ""
        words = render_text(wait_for_others_count(others))
        add(words, WARN, "hourglass", NEEDS_YOU_STATES, move)
    for state, number in overview.counts.items():
        if state not in STATES_NEEDING_ACTION:
            pill = state_pill(state)
            add(render_text(state_count(state, number)), pill.tone, pill.icon, (state,))
    if overview.expiring:
        # The number is that of all states: so is the list behind it.
        changes = {
            "expiring": not filters.expiring,
            "states": filters.states if filters.expiring else (),
        }
        chips.append(
            {
                "words": render_text(expiring_count(overview.expiring)),
                "tone": WARN,
                "icon": "calendar-x",
                "active": filters.expiring,
                "href": OVERVIEW_PARAMS.build_url(filters, path, **changes),
            }
        )
    return chips


def _page_size_links(overview: Overview, path: str) -> list[dict[str, Any]]:
    """How many rows a page may have, each a link; none where all keys fit on the smallest page."""
    filters = overview.filters
    if overview.matching <= PAGE_SIZE and filters.page_size == PAGE_SIZE:
        return []
    return [
        {
            "word": format_number(size),
            "href": OVERVIEW_PARAMS.build_url(filters, path, page_size=size),
            "is_current": size == filters.page_size,
        }
        for size in PAGE_SIZES
    ]


def _sortable_columns(filters: OverviewFilters, path: str) -> list[dict[str, str]]:
    """The heads of the table; a press sorts by the column, another one the other way round."""
    heads = {
        "organisation": _("Organisation"),
        "state": _("State"),
        "last": _("Last synced"),
        "next": _("Expected next"),
        "tools": _("Tools on / total"),
        "checked": _("Checked"),
    }
    directions = dict.fromkeys(heads, "") | {
        filters.sort.removeprefix("-"): "descending" if filters.sort[0] == "-" else "ascending"
    }
    return [
        {
            "word": word,
            "direction": directions[sort],
            "href": OVERVIEW_PARAMS.build_url(
                filters, path, sort=f"-{sort}" if directions[sort] == "ascending" else sort
            ),
        }
        for sort, word in heads.items()
    ]


def _state_options(overview: Overview) -> list[SelectOption]:
    selected_values = [value for _name, value in STATE_PARAM.write(overview.filters.states)]
    options = [
        SelectOption(NEEDS_YOU_VALUE, _("Needs somebody"), NEEDS_YOU_VALUE in selected_values)
    ]
    present = set(overview.all_counts) | set(overview.filters.states)
    return options + [
        SelectOption(state.value, str(state.label), state.value in selected_values)
        for state in HealthState
        if state in present
    ]


def _environment_options(overview: Overview) -> list[SelectOption]:
    """The environments to choose from; none where all keys belong to one.

    One that is not set up any more is offered where keys on this page still belong to it.
    """
    chosen = overview.filters.environment
    in_use = {chosen, *(row.environment for row in overview.rows)} - {"", DEFAULT_ENVIRONMENT}
    if not in_use and not settings.AITRONOS_ENVIRONMENTS:
        return []
    set_up = [DEFAULT_ENVIRONMENT, *(place.name for place in settings.AITRONOS_ENVIRONMENTS)]
    names = [*set_up, *sorted(in_use - set(set_up))]
    return [SelectOption(name, name, name == chosen) for name in names]


def _card_groups(overview: Overview, user_time: UserTime, path: str) -> list[dict[str, Any]]:
    """The reader's own moves, then what waits for others: cards, and a link to all of them.

    On the first page, where the worst comes first. Keys refused alike share a card. Behind a
    reader's own moves come the other decisions that wait.
    """
    if overview.page > 1 or overview.filters.sort != "state":
        return []
    single = [row for row in overview.rows if row.needs_attention and not row.is_refused_alike]
    own_rows = [row for row in single if row.is_own_move][:CARDS_LIMIT]
    others_rows = [row for row in single if not row.is_own_move][:CARDS_LIMIT]
    own = [_needs_you_card(row, user_time) for row in own_rows]
    others = [_needs_you_card(row, user_time) for row in others_rows[: CARDS_LIMIT - len(own)]]
    for group in overview.refused_groups:
        rows = [row for row in overview.rows if row.is_refused_alike and row.refused_group == group]
        if rows:
            cards = own if group.is_readers_move else others
            cards.insert(0, _refused_card(group, rows, user_time, path))
    own = own[:CARDS_LIMIT]
    others = others[: CARDS_LIMIT - len(own)]
    own += [
        decision_card(decision, user_time)
        for decision in _decisions_beside(overview, {row.key_id for row in own_rows})
    ]
    own_count, others_count = overview.own_move_count_matching, overview.others_move_count_matching
    groups = [
        (_("Needs you"), own, own_count, OWN_MOVE, see_all_own),
        (_("Waits for others"), others, others_count, OTHERS_MOVE, see_all_of_others),
    ]
    return [
        {
            "title": title,
            "cards": cards,
            "count": count,
            "hides_cards": count > len(cards),
            "more": render_text(see_all(count)),
            "href": _move_url(overview, path, move),
        }
        for title, cards, count, move, see_all in groups
        if cards
    ]


def _decisions_beside(overview: Overview, key_ids: Set[int]) -> list[PendingDecision]:
    """The decisions of this person that no card of a key leads to."""
    if OVERVIEW_PARAMS.is_narrowed(overview.filters):
        return []
    decisions = [
        decision
        for decision in overview.decisions
        if decision.can_decide and decision.key_id not in key_ids
    ]
    return decisions[:CARDS_LIMIT]


def _move_url(overview: Overview, path: str, move: str) -> str:
    """The filter for these moves; all that need somebody, where that is the same."""
    is_all = not (
        overview.others_move_count_matching
        if move == OWN_MOVE
        else overview.own_move_count_matching
    )
    return OVERVIEW_PARAMS.build_url(
        overview.filters, path, states=NEEDS_YOU_STATES, move="" if is_all else move
    )


def _refused_card(
    group: RefusedGroup, rows: list[KeyRow], user_time: UserTime, path: str
) -> dict[str, Any]:
    """One card for all keys of a group, with a link to them in place of a button."""
    filters = OverviewFilters(
        refused=group.refusal,
        refused_at=group.organization_id,
        environment=group.environment if is_environment_shown(group.environment) else "",
    )
    label = _("Show these %(n)s") % {"n": format_number(group.keys)}
    return {
        "row": rows[0],
        "name": render_text(key_count(group.keys, None)),
        "href": OVERVIEW_PARAMS.build_url(filters, path),
        "key_href": "",
        "pill": state_pill(rows[0].state),
        "sentence": render_html(refused_card_sentence(rows, group.keys), user_time),
        "next_move": "",
        "owner": "",
        "since": "",
        "action": ActionButton(label, OVERVIEW_PARAMS.build_url(filters, path), "filter"),
    }


def _needs_you_card(row: KeyRow, user_time: UserTime) -> dict[str, Any]:
    """The key with a sentence and a button, or whom to ask where this person has none."""
    href, key_href = key_urls(row, organisations_url())
    if row.needs_action:
        action = next_step_button(row)
        pill: object = state_pill(row.state)
        sentence, next_move = key_headline(row), key_next_move(row)
        if row.candidate_state:
            next_move = say(DECISION_MOVE)
        since = say(_("since {at}"), at=Moment(row.state_since))
    else:  # it needs nothing but a new secret before it expires
        action = replace_key_button(row)
        word = render_text(key_expiry_label(row))
        pill = {"tone": key_expiry_tone(row), "icon": "calendar-x", "word": word}
        sentence, next_move = key_expiry_sentence(row), new_key_move(row)
        since = say("{day}", day=row.expires_on) if row.expires_on else EMPTY
    return {
        "row": row,
        "name": row.organisation_name,
        "key_label": row.key_label,
        "href": href,
        "environment": "" if row.environment == DEFAULT_ENVIRONMENT else row.environment,
        "key_href": key_href if row.keys_in_organisation > 1 else "",
        "pill": pill,
        "sentence": render_html(sentence, user_time),
        "next_move": render_html(next_move, user_time),
        "owner": "" if action else render_text(owner_to_ask(row)),
        "since": render_html(since, user_time),
        "action": action,
        "incident": incident_line(row, user_time, origin="overview"),
    }


def decision_card(decision: PendingDecision, user_time: UserTime) -> dict[str, Any]:
    """A new secret that waits for this person's decision, with the button that leads there."""
    page_url = f"{organisations_url()}{decision.organisation_slug}/"
    key_url = f"{page_url}keys/{decision.key_id}/"
    return {
        "name": decision.organisation_name,
        "key_label": decision.key_label,
        "href": page_url,
        "key_href": key_url,
        "pill": {"tone": WARN, "icon": "key", "word": _("Decision waits")},
        "sentence": render_html(pending_decision(decision), user_time),
        "since": render_html(say(_("since {at}"), at=Moment(decision.tested_at)), user_time),
        "action": decision_link(key_url, decision.key_id),
    }
