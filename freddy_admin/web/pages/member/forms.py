"""Forms of members and of invitations."""

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.services import EMAIL_LIMIT
from freddy_admin.organisations.roles import Role
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.pages.role.presenter import role_name, role_sentence


def _role_choices() -> list[tuple[str, str]]:
    label_format = "<strong>{}</strong><small>{}</small>"
    return [
        (role.value, format_html(label_format, role_name(role), role_sentence(role)))
        for role in Role
    ]


class MemberRoleForm(PanelForm):
    """The role of a member: one of three."""

    role = forms.ChoiceField(label=_l("Role"), choices=_role_choices, widget=forms.RadioSelect)


class InvitationForm(MemberRoleForm):
    """Whom to invite, and with which role."""

    # No EmailField: the service has the better message for a bad address.
    email = forms.CharField(
        label=_l("E-mail address"),
        max_length=EMAIL_LIMIT,
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_l("Role"), choices=_role_choices, widget=forms.RadioSelect, initial=Role.VIEWER
    )
    field_order = ["email", "role"]
