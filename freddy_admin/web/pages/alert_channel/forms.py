"""Forms of a channel: what it is called, where it leads, and its end."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.alerts.channels.addresses import ADDRESS_MAX_LENGTH
from freddy_admin.alerts.channels.services import NAME_MAX_LENGTH
from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import ConfirmationForm, PanelForm
from freddy_admin.wording.channels import ADDRESS_HELP, ADDRESS_LABELS


class ChannelNameForm(PanelForm):
    """What a channel is called."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_MAX_LENGTH,
        help_text=_l("What people know it by, such as “#support” or “On call”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class ChannelAddressForm(PanelForm):
    """An address of this kind, which is never sent back."""

    channel_address = forms.CharField(
        strip=True,
        max_length=ADDRESS_MAX_LENGTH,
        widget=forms.PasswordInput(
            {
                "autocomplete": "off",
                "spellcheck": "false",
                "data-1p-ignore": "",
                "data-lpignore": "true",
            },
            render_value=False,
        ),
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channel_address"]
        field.label, field.help_text = str(ADDRESS_LABELS[kind]), str(ADDRESS_HELP[kind])


class ChannelAddForm(ChannelAddressForm, ChannelNameForm):
    """A new channel of one kind."""

    field_order = ["name", "channel_address"]


class ChannelDeleteForm(ConfirmationForm):
    """The channel's name, typed, so that none is deleted by a slip."""

    name = forms.CharField(
        label=_l("Type the channel's name to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        """The name."""
        return self.typed_text(
            "name", refusal=_("This is not the channel's name. Nothing was deleted.")
        )
