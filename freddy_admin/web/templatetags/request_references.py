"""The tag with the id that people can quote when something went wrong."""

from django import template

from freddy_admin.core.request_ids import request_id

register = template.Library()


@register.simple_tag
def request_reference() -> str:
    """The id of this request, which its log lines and audit events carry, too."""
    return request_id()
