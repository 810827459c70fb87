"""Small parts that templates draw."""

import json
from functools import lru_cache
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from freddy_admin.web import staticfiles

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One outline icon of the sprite; decoration only, the words stand beside it."""
    return _icon(name, extra, static("img/icons.svg"))


@register.simple_tag
def integrity(name: str) -> SafeString:
    """The attribute by which a browser runs a script only as we have it."""
    return format_html('integrity="{}"', staticfiles.integrity(name))


@register.filter
def as_json(value: Any) -> str:
    """For a data attribute: plain text, which the template escapes."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@lru_cache(maxsize=256)
def _icon(name: str, extra: str, sprite: str) -> SafeString:
    classes = f"icon {extra}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        classes,
        sprite,
        name,
    )
