"""What happened in each step of a channel's test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.sentences import Moment, MomentStyle, Sentence, say

_DEFAULT_RULE = _("the default rule")


@dataclass(frozen=True, slots=True)
class TestMessageFacts:
    """How far one of the two messages of a test is."""

    __test__ = False  # nothing of pytest's

    is_end: bool  # of the pretend incident; else its opening
    is_sent: bool
    is_given_up: bool
    is_begun: bool  # the one before it is out
    at: datetime | None  # when it went out, or was begun
    answer: str  # what the other side said, plain text
    answer_status: int | None
    failure: str  # the word for what went wrong last
    next_attempt_at: datetime | None


def test_rule_sentences(names: Sequence[str]) -> tuple[Sentence, ...]:
    """By which rules the channel is told of such an incident; "" stands for the default rule."""
    if not names:
        return (
            say(
                _(
                    "No rule tells this channel of such an incident, so real ones do not reach it: "
                    "add it to a rule."
                )
            ),
        )
    words = ", ".join(f"“{name}”" if name else str(_DEFAULT_RULE) for name in names)
    return (say(_("Told by {rules}."), rules=words),)


def test_outbox_sentences(at: datetime) -> tuple[Sentence, ...]:
    """That the two messages were written."""
    moment = Moment(at, MomentStyle.EXACT)
    return (say(_("Opening and end of the pretend incident were written at {at}."), at=moment),)


def test_message_sentences(facts: TestMessageFacts) -> tuple[Sentence, ...]:
    """What became of a message, what the other side said, and what comes next."""
    sentences: list[Sentence] = []
    if facts.is_sent and facts.at is not None:
        sentences.append(say(_("Sent at {at}."), at=Moment(facts.at, MomentStyle.EXACT)))
    elif facts.is_given_up:
        sentences.append(say(_("Given up ({failure})."), failure=facts.failure or "—"))
    elif facts.failure:
        sentences.append(say(_("Not sent ({failure})."), failure=facts.failure))
    elif not facts.is_begun:
        sentences.append(say(_("Waits until the opening is out.")))
    else:
        sentences.append(say(_("Waits for the worker.")))
    if facts.answer_status is not None:
        sentences.append(say(_("The other side answered {status}."), status=facts.answer_status))
    if facts.answer:
        sentences.append(say(_("It said “{answer}”."), answer=facts.answer))
    if facts.next_attempt_at is not None and not facts.is_given_up:
        at = Moment(facts.next_attempt_at, MomentStyle.EXACT)
        sentences.append(say(_("Tried again at {at}."), at=at))
    return tuple(sentences)
