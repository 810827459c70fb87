"""The client of the Aitronos API in this process."""

from functools import lru_cache

from django.conf import settings

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.core.network import SilentTransport, http_transport


def api_client() -> AitronosClient:
    """The client for the settings in force; made anew when they change."""
    config = ClientConfig(
        base_url=settings.AITRONOS_API_BASE_URL,
        api_key_header=settings.AITRONOS_API_KEY_HEADER,
        connect_timeout=settings.AITRONOS_CONNECT_TIMEOUT,
        read_timeout=settings.AITRONOS_READ_TIMEOUT,
        total_timeout=settings.AITRONOS_TOTAL_TIMEOUT,
        user_agent=f"freddy-admin/{settings.VERSION}",
    )
    return _cached_client(
        config, settings.AITRONOS_CALLS, settings.OUTBOUND_CA_FILE, settings.OUTBOUND_PROXY
    )


@lru_cache(maxsize=1)
def _cached_client(
    config: ClientConfig, sends: bool, *_transport_settings: object
) -> AitronosClient:
    transport = http_transport() if sends else SilentTransport()
    return AitronosClient(config, clock=clock.now, transport=transport)
