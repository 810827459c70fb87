"""Forms about people: roles, invitations, accepting them, deleting a person."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.services import EMAIL_LIMIT, NAME_LIMIT
from freddy_admin.core.forms import LineField
from freddy_admin.organisations.roles import Role
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.presenters.role_permissions import role_name, role_sentence


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


class InvitationAcceptForm(PanelForm):
    """The account of an invited person who has none yet."""

    name = LineField(
        label=_l("Your name"),
        limit=NAME_LIMIT,
        help_text=_l("Your colleagues see it."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_l("Choose a password"),
        strip=False,
        help_text=_l("At least 8 characters, and none that everybody uses."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}, render_value=False),
    )


class FirstAdminForm(InvitationAcceptForm):
    """The account of the first platform admin, who has the link that was printed at start."""

    email = forms.CharField(
        label=_l("E-mail address"),
        max_length=EMAIL_LIMIT,
        widget=forms.EmailInput({"autocomplete": "username"}),
    )
    field_order = ["name", "email", "password"]


class PersonDeleteForm(PanelForm):
    """The person's e-mail address, typed, so that nobody is removed by a slip."""

    email = forms.CharField(
        label=_l("Type the person's e-mail address to confirm"),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_email(self) -> str:
        """Exactly the address, apart from its case and white space around it."""
        email = str(self.cleaned_data["email"])
        if email.strip().lower() != self.expected:
            raise forms.ValidationError(_("This is not the person's address. Nobody was removed."))
        return email
