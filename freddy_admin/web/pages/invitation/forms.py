"""The form with which an invited person signs up."""

from django import forms
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.services import NAME_LIMIT
from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import PanelForm


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
