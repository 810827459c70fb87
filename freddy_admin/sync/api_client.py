"""The clients of the Aitronos API in this process, one for each environment."""

import hashlib
from functools import lru_cache

from django.conf import settings

from freddy_admin.aitronos.client import AitronosClient, ClientConfig, environment_missing
from freddy_admin.conf.api_environments import (
    DEFAULT_ENVIRONMENT,
    ApiEnvironment,
    api_environments,
)
from freddy_admin.core import clock
from freddy_admin.core.network import SilentTransport, http_transport


class EnvironmentClients:
    """The clients by environment; see `ApiClients`."""

    def __init__(self, configs: tuple[ClientConfig, ...]) -> None:
        transport = http_transport() if settings.AITRONOS_CALLS else SilentTransport()
        self._clients = {
            config.environment: AitronosClient(config, clock=clock.now, transport=transport)
            for config in configs
        }

    def for_environment(self, name: str) -> AitronosClient:
        """The client of environment `name`; raises EnvironmentMissing where it is not set up."""
        if name not in self._clients:
            raise environment_missing(name)
        return self._clients[name]


def api_clients() -> EnvironmentClients:
    """The clients for the settings in force; made anew when they change."""
    configs = tuple(map(_client_config, api_environments().values()))
    return _cached_clients(
        configs, settings.AITRONOS_CALLS, settings.OUTBOUND_CA_FILE, settings.OUTBOUND_PROXY
    )


def api_client(environment: str = DEFAULT_ENVIRONMENT) -> AitronosClient:
    """The client of one environment; raises EnvironmentMissing where it is not set up."""
    return api_clients().for_environment(environment)


def call_settings_digest(environment: str) -> str:
    """A digest of the settings that can make this environment refuse every key; "" without one.

    They are its address and its headers.
    """
    place = api_environments().get(environment)
    if place is None:
        return ""
    text = "\n".join([place.base_url, *place.key_headers])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _client_config(environment: ApiEnvironment) -> ClientConfig:
    return ClientConfig(
        base_url=environment.base_url,
        api_key_headers=environment.key_headers,
        environment=environment.name,
        connect_timeout=settings.AITRONOS_CONNECT_TIMEOUT,
        read_timeout=settings.AITRONOS_READ_TIMEOUT,
        total_timeout=settings.AITRONOS_TOTAL_TIMEOUT,
        user_agent=f"freddy-admin/{settings.VERSION}",
    )


@lru_cache(maxsize=1)
def _cached_clients(
    configs: tuple[ClientConfig, ...], *_transport_settings: object
) -> EnvironmentClients:
    return EnvironmentClients(configs)
