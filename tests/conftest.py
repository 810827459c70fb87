"""What holds for every test. The network is closed but for loopback (pytest-socket's options)."""

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import caches

from freddy_admin.vault.master_keys import master_key_state_reset

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _an_empty_redis() -> None:
    # The database's cache is rolled back with each test; Redis knows no such thing.
    if settings.REDIS_URL:
        caches["fast"].clear()


@pytest.fixture(autouse=True)
def _nothing_known_of_master_keys() -> None:
    """What one test's database says of master keys is kept for half a minute; not for the next."""
    master_key_state_reset()
