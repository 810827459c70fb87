"""The choice of a role, for a member or for somebody who is invited."""

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _l

from freddy_admin.organisations.roles import Role
from freddy_admin.web.forms import PanelForm
from freddy_admin.wording.roles import role_name, role_sentence


def _role_choices() -> list[tuple[str, str]]:
    label_format = "<strong>{}</strong><small>{}</small>"
    return [
        (role.value, format_html(label_format, role_name(role), role_sentence(role)))
        for role in Role
    ]


class RoleForm(PanelForm):
    """One of the roles, each with what it is for."""

    role = forms.ChoiceField(label=_l("Role"), choices=_role_choices, widget=forms.RadioSelect)
