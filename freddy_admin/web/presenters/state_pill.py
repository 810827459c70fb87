"""A state as a small mark in a list: a word, a shape and a tone."""

from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language

from freddy_admin.sync.health_states import HealthState
from freddy_admin.wording.states import STATE_WORDINGS


@dataclass(frozen=True, slots=True)
class StatePill:
    """A state ready for a template."""

    value: str
    word: str
    tone: str
    icon: str


def state_pill(state: HealthState) -> StatePill:
    """The state's word with its style, in the active language."""
    return _state_pill(state, get_language())


@lru_cache(maxsize=64)
def _state_pill(state: HealthState, language: str | None) -> StatePill:
    # Kept: a list shows a few states hundreds of times.
    del language  # part of the cache's key: the label is read in the active one
    wording = STATE_WORDINGS[state]
    return StatePill(value=state.value, word=wording.label, tone=wording.tone, icon=wording.icon)
