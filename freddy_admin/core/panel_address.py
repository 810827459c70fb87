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
    url = PanelAddress.objects.filter(pk=_ONE_ROW).values_list("url", flat=True).first() or ""
    if url == settings.PANEL_URL or is_loopback_host(urlsplit(url).hostname or "localhost"):
        return ""
    return url


def panel_address_record() -> str:
    """Write PANEL_URL into the database, unless it seems to be a copy; for the worker alone.

    Returns what `panel_copied_from` does.
    """
    copied_from = panel_copied_from()
    if not copied_from:
        panel_address_replace()
    return copied_from


def panel_address_replace() -> None:
    """Write PANEL_URL into the database, whatever stands there."""
    row = PanelAddress.objects.filter(pk=_ONE_ROW, url=settings.PANEL_URL)
    if not row.exists():
        values = {"url": settings.PANEL_URL, "recorded_at": clock.now()}
        PanelAddress.objects.update_or_create(pk=_ONE_ROW, defaults=values)
