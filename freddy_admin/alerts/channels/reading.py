"""How a channel that is no person's is read: in the panel's language, times in UTC."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

from django.conf import settings
from django.utils import translation

from freddy_admin.alerts.messages.content import MessageContent
from freddy_admin.wording.times import UserTime


@contextmanager
def channel_reading(content: MessageContent) -> Iterator[UserTime]:
    """Inside the block the language is the receivers', whoever caused the message."""
    with translation.override(settings.LANGUAGE_CODE):
        yield UserTime(now=content.now, zone=UTC)
