"""Answers whose files a test closes, as a server would, but for the connection of the test."""

from django.core.signals import request_finished
from django.db import close_old_connections
from django.http.response import HttpResponseBase


def closed(answer: HttpResponseBase) -> None:
    """Close what the answer holds open; on PostgreSQL the test's transaction must outlive it."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)
