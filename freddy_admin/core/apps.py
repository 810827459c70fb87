from django.apps import AppConfig
from django.conf import settings

from freddy_admin.core import clock


class CoreConfig(AppConfig):
    name = "freddy_admin.core"
    label = "core"

    def ready(self) -> None:
        """The demo's clock may run faster; every process of it is told the same."""
        if settings.CLOCK_SINCE is not None:
            clock.run_fast(since=settings.CLOCK_SINCE, speed=settings.CLOCK_SPEED)
