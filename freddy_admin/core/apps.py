from django.apps import AppConfig
from django.conf import settings

from freddy_admin.core import clock


class CoreConfig(AppConfig):
    name = "freddy_admin.core"
    label = "core"

    def ready(self) -> None:
        """Accelerate the demo's clock where CLOCK_SINCE is set, the same in all its processes."""
        if settings.CLOCK_SINCE is not None:
            clock.accelerate_clock(since=settings.CLOCK_SINCE, speed=settings.CLOCK_SPEED)
