"""The health rule as it is printed next to a state."""

from dataclasses import dataclass

from freddy_admin.web.presenters.state_pill import StatePill, state_pill
from freddy_admin.wording.states import HEALTH_RULE, health_rule_states


@dataclass(frozen=True, slots=True)
class HealthRuleLine:
    """One line of the rule; `is_match` marks the one that gave the state shown."""

    number: int
    pills: tuple[StatePill, ...]
    words: str
    is_match: bool


def health_rule_lines(matching_number: int) -> list[HealthRuleLine]:
    """All lines, read from the top: the first that fits wins."""
    return [
        HealthRuleLine(
            number,
            tuple(state_pill(state) for state in health_rule_states(number)),
            str(text),
            number == matching_number,
        )
        for number, text in HEALTH_RULE.items()
    ]
