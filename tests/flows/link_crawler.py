"""Crawls every page that a person reaches from the overview by links alone."""

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import requests

_LINK = re.compile(r'(?:href|hx-get|src)="([^"#]+)', re.IGNORECASE)


def crawl_pages(
    browser: requests.Session, start: str, *, limit: int = 400
) -> Iterator[tuple[str, requests.Response]]:
    """Yield each URL once, with its response; at most three pages of each kind."""
    origin, urls_to_visit, seen_urls = urlsplit(start).netloc, [start], {start}
    kinds: dict[str, int] = {}
    while urls_to_visit and limit:
        address = urls_to_visit.pop(0)
        answer = browser.get(address, timeout=120)
        yield address, answer
        limit -= 1
        if "html" not in answer.headers.get("Content-Type", ""):
            continue
        for link in _LINK.findall(answer.text):
            to = urljoin(answer.url, html.unescape(link))
            kind = re.sub(r"\d+|[0-9a-f-]{36}", "N", urlsplit(to).path) + _query_parameter_names(to)
            if urlsplit(to).netloc != origin or to in seen_urls or kinds.get(kind, 0) >= 3:
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
            seen_urls.add(to)
            urls_to_visit.append(to)


def _query_parameter_names(address: str) -> str:
    return "?" + "&".join(sorted(re.findall(r"(\w+)=", urlsplit(address).query)))
