"""Forms of an invitation: whom to invite, and how an invited person signs up."""

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.people import NAME_LIMIT
from freddy_admin.core.forms import LineField
from freddy_admin.organisations.invitation_addresses import ADDRESSES_MAX_LENGTH
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.pages.role.forms import RoleForm


class InvitationForm(RoleForm):
    """Whom to invite, and with which role."""

    # No EmailField: the service takes several, and has the better message for a bad one.
    email = forms.CharField(
        label=_l("E-mail addresses"),
        max_length=ADDRESSES_MAX_LENGTH,
        help_text=_l(
            "One or several, separated by commas, semicolons or lines, also as Name <address>."
        ),
        widget=forms.Textarea({"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["email", "role"]

    def show_addresses(self, addresses: Sequence[str]) -> None:
        """Show these addresses in the field, one a line, instead of what was typed."""
        values = {name: self.data.get(name, "") for name in self.fields}
        self.data = values | {"email": "\n".join(addresses)}


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
