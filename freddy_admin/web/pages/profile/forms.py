"""The form of a person's own profile, with a select of six hundred time zones."""

from functools import lru_cache
from itertools import starmap
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import Theme
from freddy_admin.accounts.people import NAME_LIMIT, time_zones
from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import PanelForm

FIRST_ZONE = "UTC"


class TimeZoneSelect(forms.Select):
    """Zones by region, rendered once per process and language.

    Django would render a template per option, which takes 30 ms.
    """

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """The whole select; a value that is not in it selects nothing."""
        del renderer
        # The only quotes that begin so are ours: the names of zones hold none.
        option = f'<option value="{escape(value)}">'
        options = _render_options(get_language()).replace(option, f"{option[:-1]} selected>", 1)
        attributes = flatatt(self.build_attrs(self.attrs, {"name": name} | (attrs or {})))
        return SafeString(f"<select{attributes}>{options}</select>")  # nosec B703


def time_zones_by_region() -> dict[str, list[tuple[str, str]]]:
    """Region → (zone, its name within the region); without UTC, which stands before all regions."""
    regions: dict[str, list[tuple[str, str]]] = {}
    other_zones: list[tuple[str, str]] = []
    for zone in time_zones():
        region, has_region, city = zone.partition("/")
        if zone == FIRST_ZONE:
            continue
        if has_region and region != "Etc":
            regions.setdefault(region, []).append((zone, city.replace("_", " ")))
        else:
            other_zones.append((zone, zone))
    return regions | {_("Other"): other_zones}


@lru_cache(maxsize=8)
def _render_options(language: str | None) -> str:
    del language  # the key of the cache: gettext answers in the active language
    groups = [
        f'<optgroup label="{escape(region)}">{"".join(starmap(_render_option, zones))}</optgroup>'
        for region, zones in time_zones_by_region().items()
    ]
    return _render_option(FIRST_ZONE, FIRST_ZONE) + "".join(groups)


def _render_option(zone: str, label: str) -> str:
    return f'<option value="{escape(zone)}">{escape(label.replace("/", ", "))}</option>'


class ProfileForm(PanelForm):
    """A user's own name, time zone and theme."""

    name = LineField(
        label=_l("Name"),
        required=False,
        limit=NAME_LIMIT,
        help_text=_l("Shown as the owner of keys and in the audit log."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    # A zone that does not exist is refused by the service.
    time_zone = forms.CharField(
        label=_l("Time zone"),
        help_text=_l("All times are shown in this zone."),
        widget=TimeZoneSelect,
    )
    theme = forms.ChoiceField(label=_l("Look"), choices=Theme.choices)
