"""The form that creates the first platform admin."""

from django import forms
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.people import EMAIL_LIMIT
from freddy_admin.web.pages.invitation.forms import InvitationAcceptForm


class FirstAdminForm(InvitationAcceptForm):
    """The account of the first platform admin, who has the link that was printed at start."""

    email = forms.CharField(
        label=_l("E-mail address"),
        max_length=EMAIL_LIMIT,
        widget=forms.EmailInput({"autocomplete": "username"}),
    )
    field_order = ["name", "email", "password"]
