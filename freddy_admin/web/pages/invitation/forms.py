"""Forms of an invitation: whom to invite, and how an invited person signs up."""

from django import forms
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.people import EMAIL_LIMIT, NAME_LIMIT
from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.pages.role.forms import RoleForm


class InvitationForm(RoleForm):
    """Whom to invite, and with which role."""

    # No EmailField: the service has the better message for a bad address.
    email = forms.CharField(
        label=_l("E-mail address"),
        max_length=EMAIL_LIMIT,
        widget=forms.EmailInput({"autocomplete": "off"}),
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
