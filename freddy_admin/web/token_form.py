"""The form that makes a panel token: what for, how much, where, how long."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import TokenScope
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import NAME_LIMIT
from freddy_admin.core.forms import LineField
from freddy_admin.organisations.models import Organisation
from freddy_admin.web.forms import PlainForm

# More would be no list to choose from; the command takes any.
LISTED = 150
ALL, SOME = "all", "some"
_SCOPES = [
    (TokenScope.READ.value, _l("Read: states and history")),
    (TokenScope.ACT.value, _l("Read and act: also ask for checks and start syncs")),
]
_REACHES = [(ALL, _l("All of mine, now and later")), (SOME, _l("Only these"))]
_DAYS = [("30", _l("30 days")), ("90", _l("90 days")), ("365", _l("a year")), ("0", _l("for good"))]


class TokenForm(PlainForm):
    """A new token; `places` are the person's organisations by name."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_LIMIT,
        help_text=_l("What it is for, such as “status board”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(label=_l("It may"), choices=_SCOPES)
    days = forms.TypedChoiceField(label=_l("Good for"), choices=_DAYS, coerce=int, initial="90")
    reach = forms.ChoiceField(label=_l("Organisations"), choices=_REACHES, initial=ALL)
    organisations = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, places: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = list(places)
        self.listed = self.places[:LISTED]
        chosen = self.fields["organisations"]
        assert isinstance(chosen, forms.TypedMultipleChoiceField)  # noqa: S101  declared above
        chosen.choices = [(str(one.pk), one.name) for one in self.listed]

    @property
    def more(self) -> int:
        """How many organisations are not listed."""
        return len(self.places) - len(self.listed)

    @property
    def ticked(self) -> set[str]:
        """The organisations that were chosen already."""
        found = self["organisations"].value() or ()
        return {str(one) for one in found}

    def clean(self) -> dict[str, Any]:
        """At least one, where it is to be for some."""
        data = super().clean() or self.cleaned_data
        wanted = data.get("reach") == SOME and "organisations" in data
        if wanted and not data["organisations"]:
            self.add_error("organisations", _("Choose at least one organisation, or all."))
        return data

    def wish(self) -> TokenWish:
        """What is asked for, as the service takes it."""
        data = self.cleaned_data
        some = frozenset(data["organisations"]) if data["reach"] == SOME else None
        return TokenWish(scope=data["scope"], organisation_ids=some, days=data["days"] or None)
