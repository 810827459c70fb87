"""What `doctor` says of the alerts: whether messages go out, and whether the outside is told."""

from freddy_admin.alerts.condition import alerts_condition_get, alerts_facts
from freddy_admin.alerts.heartbeat import heartbeat_state_get
from freddy_admin.core import clock
from freddy_admin.wording.alerts_condition import alerts_wording
from freddy_admin.wording.outside_heartbeat import heartbeat_sentences
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time


def alerts_examine() -> tuple[bool, str]:
    """Whether messages of incidents go out, and which channels do not take them."""
    now = clock.now()
    facts = alerts_facts(alerts_condition_get(now=now))
    part, user_time = alerts_wording(facts), get_user_time(now)
    label = render_text([part.label], user_time)
    sentences = render_text(part.words, user_time)
    lines = "; ".join(render_text([line], user_time) for line in part.lines)
    return facts.is_well, f"{label}. {sentences} {lines}".strip()


def heartbeat_examine() -> tuple[bool, str]:
    """Whether HEARTBEAT_URL is told that the panel works; sends nothing."""
    now = clock.now()
    state = heartbeat_state_get(now=now)
    return not state.has_problem, render_text(heartbeat_sentences(state), get_user_time(now))
