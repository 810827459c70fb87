"""Every page a person can reach from the overview, by the links alone."""

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import requests

_LINK = re.compile(r'(?:href|hx-get|src)="([^"#]+)', re.IGNORECASE)


def crawl(
    browser: requests.Session, start: str, *, most: int = 400
) -> Iterator[tuple[str, requests.Response]]:
    """Each address once, with its answer; a kind of page at most a few times."""
    origin, waiting, seen = urlsplit(start).netloc, [start], {start}
    kinds: dict[str, int] = {}
    while waiting and most:
        address = waiting.pop(0)
        answer = browser.get(address, timeout=120)
        yield address, answer
        most -= 1
        if "html" not in answer.headers.get("Content-Type", ""):
            continue
        for link in _LINK.findall(answer.text):
            to = urljoin(answer.url, html.unescape(link))
            kind = re.sub(r"\d+|[0-9a-f-]{36}", "N", urlsplit(to).path) + _names(to)
            if urlsplit(to).netloc != origin or to in seen or kinds.get(kind, 0) >= 3:
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
            seen.add(to)
            waiting.append(to)


def _names(address: str) -> str:
    return "?" + "&".join(sorted(re.findall(r"(\w+)=", urlsplit(address).query)))
