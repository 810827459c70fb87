"""Whether what is kept for lists, so that no page reads every key, is what reading all gives."""

from freddy_admin.sync.status.names import wrong_names_count
from freddy_admin.sync.status.state_counts import wrong_state_counts_count
from freddy_admin.wording import doctor as wording
from freddy_admin.wording.sentences import say


def lists_examine() -> tuple[bool, str]:
    """Whether names, search words and counts are right, and a sentence."""
    if wrong := wrong_names_count() + wrong_state_counts_count():
        return False, str(say(wording.LISTS_DIFFER, n=wrong))
    return True, str(say(wording.LISTS_RIGHT))
