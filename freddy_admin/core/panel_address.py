"""The address at which this database was last at work; at another one it is probably a copy.

A copy holds the keys, and what waits to be done: its worker would start syncs, switch connectors
and send mails a second time. So the worker writes PANEL_URL into the database, and holds those back
where it finds another one there, until somebody confirms that this is the panel. A trial on this
machine is no panel: what was at work at a loopback address may move.
"""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from freddy_admin.core import clock
from freddy_admin.core.models import PanelAddress
from freddy_admin.outbound.hosts import is_loopback_host

_ONE_ROW: Final = 1


def panel_copied_from() -> str:
    """The address at which this database was last at work, if it seems to be a copy; else "".

    One query.
    """
    url = _recorded_url()
    return url if _is_of_another_panel(url) else ""


def panel_address_record() -> str:
    """Write PANEL_URL into the database, unless it seems to be a copy; for the worker alone.

    Returns what `panel_copied_from` does.
    """
    url = _recorded_url()
    if _is_of_another_panel(url):
        return url
    if url != settings.PANEL_URL:
        panel_address_replace()
    return ""


def panel_address_replace() -> None:
    """Write PANEL_URL into the database, whatever stands there."""
    values = {"url": settings.PANEL_URL, "recorded_at": clock.now()}
    PanelAddress.objects.update_or_create(pk=_ONE_ROW, defaults=values)


def _recorded_url() -> str:
    """The address in the database; "" where no worker has been at work yet."""
    return PanelAddress.objects.filter(pk=_ONE_ROW).values_list("url", flat=True).first() or ""


def _is_of_another_panel(url: str) -> bool:
    is_trial = is_loopback_host(urlsplit(url).hostname or "localhost")
    return url != settings.PANEL_URL and not is_trial
