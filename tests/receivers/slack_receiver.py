"""The shape of Slack's incoming webhooks: refuses what Slack refuses, in Slack's words."""

import re
from typing import Any

from tests.receivers.http_receiver import HttpReceiver, ReceivedRequest, Reply

PATH = "/services/T0000/B0000/abcdefghijklmnop"
# An entity that is none of the three, or one that was cut.
_LOOSE_AMPERSAND = re.compile("&(?!(amp|lt|gt);)")
_MENTION = re.compile(r"<[!@#][^>]*>")


class SlackReceiver(HttpReceiver):
    """Takes a message within Slack's limits; `texts` are all that people would read."""

    def __init__(self) -> None:
        super().__init__(self._judge)
        self.is_revoked = False

    @property
    def texts(self) -> list[str]:
        """The texts of the blocks that were taken, as Slack shows them."""
        return [
            _shown(text["text"])
            for request in self.taken
            for block in request.json["blocks"]
            for text in _block_texts(block)
        ]

    def _judge(self, request: ReceivedRequest) -> Reply:
        if self.is_revoked or request.path != PATH:
            return Reply(403, b"invalid_token")
        try:
            problem = slack_problem(request.json)
        except (ValueError, KeyError, TypeError):
            problem = "invalid_payload"
        return Reply(400, problem.encode()) if problem else Reply(200, b"ok")


def slack_problem(body: dict[str, Any]) -> str:
    """What Slack would answer; "" for a message that it takes."""
    blocks = body.get("blocks", [])
    if not body.get("text") and not blocks:
        return "no_text"
    if len(body.get("text", "")) > 40_000:
        return "msg_too_long"
    if len(blocks) > 50:
        return "invalid_blocks"
    texts = [text for block in blocks for text in _block_texts(block)]
    limits = {"header": 150, "section": 3_000, "context": 3_000}
    for block in blocks:
        for text in _block_texts(block):
            if not 1 <= len(text["text"]) <= limits[block["type"]]:
                return "invalid_blocks"
            if block["type"] == "header" and text["type"] != "plain_text":
                return "invalid_blocks"
    if sum(len(text["text"]) for text in texts) > 13_200:
        return "msg_blocks_too_long"
    every_text = [body.get("text", ""), *(text["text"] for text in texts)]
    if any(_LOOSE_AMPERSAND.search(text) for text in every_text):
        return "invalid_blocks_format"
    return ""


def slack_obeyed(body: dict[str, Any]) -> list[str]:
    """What Slack would take for more than text, links of ours excepted: there should be none."""
    found = _MENTION.findall(body["text"])
    for block in body["blocks"]:
        for text in _block_texts(block):
            if text["type"] == "plain_text":
                found += [text["text"]] if text.get("emoji", True) else []
                found += re.findall(r"<[^>]*>", text["text"])
            else:
                found += [
                    part
                    for part in re.findall(r"<[^>]*>", text["text"])
                    if not part.startswith(("<http://localhost", "<https://"))
                ]
    return found


def _block_texts(block: dict[str, Any]) -> list[dict[str, Any]]:
    return block["elements"] if block["type"] == "context" else [block["text"]]


def _shown(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
