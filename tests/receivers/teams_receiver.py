"""The shape of a Teams workflow: 202 for whatever it can start with, 28 kB at most."""

import json
from typing import Any

from tests.receivers.http_receiver import HttpReceiver, ReceivedRequest, Reply

_MARKDOWN_TYPES = {"TextBlock"}


class TeamsReceiver(HttpReceiver):
    """Answers 202 before it looks; `posted` are the cards that Teams would then show."""

    def __init__(self) -> None:
        super().__init__(self._judge)
        self.posted: list[dict[str, Any]] = []
        self.lost: list[str] = []  # why what it answered 202 to was not posted

    @property
    def texts(self) -> list[str]:
        """All texts of the cards, in their order."""
        return [text for card in self.posted for text in card_texts(card["body"])]

    def _judge(self, request: ReceivedRequest) -> Reply:
        problem = teams_problem(request.body)
        if problem:
            self.lost.append(problem)
        else:
            self.posted.append(request.json["attachments"][0]["content"])
        return Reply(202)


def teams_problem(raw: bytes) -> str:
    """Why Teams would not post this; "" where it would."""
    body = json.loads(raw)
    (attachment,) = body["attachments"]
    if attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
        return "content type"
    card = attachment["content"]
    if card["type"] != "AdaptiveCard" or card["version"] not in {"1.2", "1.3", "1.4", "1.5"}:
        return "card"
    # The card travels as text within a message, each sign of other alphabets as its number.
    message = json.dumps({"attachments": [{"content": json.dumps(card)}]})
    return "too large" if len(message) > 28_000 else ""


def card_texts(elements: list[dict[str, Any]]) -> list[str]:
    """The texts of a card's elements."""
    texts = []
    for element in elements:
        if element["type"] == "Container":
            texts += card_texts(element["items"])
        elif element["type"] == "RichTextBlock":
            texts += ["".join(run["text"] for run in element["inlines"])]
        else:
            texts.append(element["text"])
    return texts


def markdown_texts(elements: list[dict[str, Any]]) -> list[str]:
    """Those in which Teams reads Markdown."""
    texts = []
    for element in elements:
        if element["type"] == "Container":
            texts += markdown_texts(element["items"])
        elif element["type"] in _MARKDOWN_TYPES:
            texts.append(element["text"])
    return texts
