"""The list of time zones: six hundred of them, put together once per process."""

from functools import lru_cache
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from freddy_admin.accounts.selectors import time_zones

FIRST = "UTC"


class ZoneSelect(forms.Select):
    """Zones by region. Drawn here: Django renders a template per option, which takes 30 ms."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """The whole list; a value that is not in it chooses nothing."""
        del renderer
        # The only quotes that begin so are ours: the names of zones hold none.
        plain = f'<option value="{escape(value)}">'
        options = _options(get_language()).replace(plain, f"{plain[:-1]} selected>", 1)
        around = flatatt(self.build_attrs(self.attrs, {"name": name} | (attrs or {})))
        return SafeString(f"<select{around}>{options}</select>")  # nosec B703


def zones_by_region() -> dict[str, list[tuple[str, str]]]:
    """Region → (zone, its name within the region); UTC stands alone, before all others."""
    regions: dict[str, list[tuple[str, str]]] = {}
    others: list[tuple[str, str]] = []
    for zone in time_zones():
        region, has_region, place = zone.partition("/")
        if zone == FIRST:
            continue
        if has_region and region != "Etc":
            regions.setdefault(region, []).append((zone, place.replace("_", " ")))
        else:
            others.append((zone, zone))
    return regions | {_("Other"): others}


@lru_cache(maxsize=8)
def _options(language: str | None) -> str:
    del language  # the key of the cache: gettext answers in the active language
    groups = [
        f'<optgroup label="{escape(region)}">{"".join(_option(*one) for one in zones)}</optgroup>'
        for region, zones in zones_by_region().items()
    ]
    return _option(FIRST, FIRST) + "".join(groups)


def _option(zone: str, words: str) -> str:
    return f'<option value="{escape(zone)}">{escape(words.replace("/", ", "))}</option>'
