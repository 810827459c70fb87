"""What holds for every test. The network is closed but for loopback (pytest-socket's options)."""

import pytest
from django.conf import settings
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _an_empty_redis() -> None:
    # The database's cache is rolled back with each test; Redis knows no such thing.
    if settings.REDIS_URL:
        caches["fast"].clear()
