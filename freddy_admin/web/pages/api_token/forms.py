"""The form that creates an API token: its name, scope, organisations and lifetime."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.api_tokens import NAME_LIMIT, ApiTokenOptions
from freddy_admin.accounts.models import TokenScope
from freddy_admin.core.forms import LineField
from freddy_admin.organisations.models import Organisation
from freddy_admin.web.forms import PanelForm

# More would be no list to choose from; the command `create_api_token` takes any.
LISTED_LIMIT = 150
REACH_ALL, REACH_SOME = "all", "some"
_SCOPE_CHOICES = [
    (TokenScope.READ.value, _l("Read: states and history")),
    (TokenScope.ACT.value, _l("Read and act: also ask for checks and start syncs")),
]
_REACH_CHOICES = [(REACH_ALL, _l("All of mine, now and later")), (REACH_SOME, _l("Only these"))]
_LIFETIME_CHOICES = [
    ("30", _l("30 days")),
    ("90", _l("90 days")),
    ("365", _l("a year")),
    ("0", _l("for good")),
]


class ApiTokenForm(PanelForm):
    """A new token; `available_organisations` are those of its user, by name."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_LIMIT,
        help_text=_l("What it is for, such as “status board”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(label=_l("It may"), choices=_SCOPE_CHOICES)
    days = forms.TypedChoiceField(
        label=_l("Good for"), choices=_LIFETIME_CHOICES, coerce=int, initial="90"
    )
    reach = forms.ChoiceField(label=_l("Organisations"), choices=_REACH_CHOICES, initial=REACH_ALL)
    organisations = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(
        self, *args: Any, available_organisations: Iterable[Organisation], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.available_organisations = list(available_organisations)
        self.listed_organisations = self.available_organisations[:LISTED_LIMIT]
        organisations_field = self.fields["organisations"]
        assert isinstance(organisations_field, forms.TypedMultipleChoiceField)  # noqa: S101  declared above
        organisations_field.choices = [
            (str(organisation.pk), organisation.name) for organisation in self.listed_organisations
        ]

    @property
    def unlisted_count(self) -> int:
        """How many of the available organisations are not listed."""
        return len(self.available_organisations) - len(self.listed_organisations)

    @property
    def selected_ids(self) -> set[str]:
        """The ids, as text, of the organisations whose boxes are ticked."""
        values = self["organisations"].value() or ()
        return {str(value) for value in values}

    def clean(self) -> dict[str, Any]:
        """Requires an organisation where the token is not for all of them."""
        data = super().clean() or self.cleaned_data
        reaches_some = data.get("reach") == REACH_SOME and "organisations" in data
        if reaches_some and not data["organisations"]:
            self.add_error("organisations", _("Choose at least one organisation, or all."))
        return data

    def to_token_options(self) -> ApiTokenOptions:
        """The cleaned values, as `api_token_create` takes them."""
        data = self.cleaned_data
        organisation_ids = frozenset(data["organisations"]) if data["reach"] == REACH_SOME else None
        return ApiTokenOptions(
            scope=data["scope"], organisation_ids=organisation_ids, days=data["days"] or None
        )
