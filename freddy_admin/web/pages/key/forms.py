"""Forms of a key: its secret, its details, and its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import User
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT, api_environments
from freddy_admin.core.forms import LineField
from freddy_admin.vault.key_details import (
    LABEL_MAX_LENGTH,
    MAX_GRACE_MINUTES,
    ORGANIZATION_ID_MAX_LENGTH,
    KeyDetails,
)
from freddy_admin.web.forms import ConfirmationForm, PanelForm
from freddy_admin.wording.environments import environment_label

SECRET_LIMIT = 4096


class KeyRevokeForm(ConfirmationForm):
    """The key's label, typed, so that no key is revoked by a slip."""

    label = forms.CharField(
        label=_l("Type the key's label to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean_label(self) -> str:
        """The label."""
        return self.typed_text(
            "label", refusal=_("This is not the key's label. Nothing was revoked.")
        )


class CandidateUseForm(ConfirmationForm):
    """The organisation's name, typed, so that no other organisation's key is used by a slip."""

    name = forms.CharField(
        label=_l("Type the organisation's name to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    # Of the new key that was shown, so that a decision is never about another one.
    version = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """The name."""
        return self.typed_text(
            "name", refusal=_("This is not the organisation's name. Nothing was changed.")
        )


class KeySecretForm(PanelForm):
    """A pasted API key, which is never sent back, and the environment it belongs to.

    The environment is asked where there are several, or where the key's own is not set up.
    """

    environment = forms.ChoiceField(
        label=_l("Environment"),
        help_text=_l("Where the key was made. It is never sent to another environment."),
    )
    api_key = forms.CharField(
        label=_l("API key"),
        strip=True,
        max_length=SECRET_LIMIT,
        help_text=_l("It is stored encrypted and never shown again, to anyone."),
        widget=forms.PasswordInput(
            {
                "autocomplete": "off",
                "spellcheck": "false",
                "data-1p-ignore": "",
                "data-lpignore": "true",
            },
            render_value=False,
        ),
        error_messages={
            "required": _l("Paste the API key: this field is empty."),
            "max_length": _l("This is longer than any API key. Copy the key alone."),
        },
    )

    def __init__(self, *args: Any, key_environment: str = DEFAULT_ENVIRONMENT, **kwargs: Any):
        """`key_environment` is chosen at first, where it is set up."""
        super().__init__(*args, **kwargs)
        names, environment = api_environments(), self.fields["environment"]
        assert isinstance(environment, forms.ChoiceField)  # noqa: S101  declared above
        if key_environment in names:
            environment.initial, choices = key_environment, []
        else:
            choices = [("", str(_("choose one")))]
            sentence = _("Choose the environment in which the key was made.")
            environment.error_messages["required"] = sentence
        environment.choices = [*choices, *((name, environment_label(name)) for name in names)]
        if len(environment.choices) == 1:
            del self.fields["environment"]

    @property
    def chosen_environment(self) -> str:
        """The chosen environment; the only one where there was nothing to choose."""
        return str(self.cleaned_data.get("environment") or DEFAULT_ENVIRONMENT)


class KeyDetailsForm(PanelForm):
    """The details of a key beside its secret."""

    label = LineField(
        label=_l("Label"),
        limit=LABEL_MAX_LENGTH,
        help_text=_l("Tells several keys of one organisation apart, such as “Sales”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    owner = forms.TypedChoiceField(
        label=_l("Owner"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_l("Whoever looks after this key."),
    )
    tags = forms.CharField(
        label=_l("Tags"),
        required=False,
        max_length=2000,
        help_text=_l("Separate several with commas, such as “emea, finance”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    organization_id = LineField(
        label=_l("Organisation id at Aitronos"),
        required=False,
        limit=ORGANIZATION_ID_MAX_LENGTH,
        help_text=_l("Looks like org_… . With it we warn you if a key belongs to somebody else."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    grace_minutes = forms.IntegerField(
        label=_l("Own grace, in minutes"),
        required=False,
        min_value=1,
        max_value=MAX_GRACE_MINUTES,
        help_text=_l("How late a sync may be before it counts as overdue. Empty: by the rule."),
    )
    expires_on = forms.DateField(
        label=_l("Expires on"),
        required=False,
        input_formats=["%Y-%m-%d"],
        help_text=_l("The day Aitronos stops accepting it, if it has one. We tell you before."),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _l("Choose a day, such as 2026-12-31.")},
    )
    # The version of the details that were shown, so that a change from another tab is noticed.
    revision = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    field_order: Sequence[str] = ()

    def __init__(self, *args: Any, owner_choices: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owners_by_id = {person.pk: person for person in owner_choices}
        owner = self.fields["owner"]
        assert isinstance(owner, forms.TypedChoiceField)  # noqa: S101  declared above
        owner.choices = [
            ("", _("nobody yet")),
            *((str(person.pk), str(person)) for person in owner_choices),
        ]

    def add_conflict_error(self, present: Mapping[str, Any]) -> None:
        """Shows the present details; saving once more is then a choice, not a slip."""
        lines = [
            _("%(field)s: %(value)s")
            % {"field": self.fields[name].label, "value": self._display_value(name, value)}
            for name, value in present.items()
            if name != "revision" and str(value or "") != str(self.data.get(name, "") or "")
        ]
        sentence = (
            _(
                "Somebody else changed these details in the meantime, so yours were not saved. "
                "Now: %(details)s. Save again to put yours in their place."
            )
            if lines
            else _(
                "Somebody else changed these details in the meantime, so yours were not saved. "
                "Save again to put yours in their place."
            )
        )
        self.add_error(None, sentence % {"details": "; ".join(lines)})
        values = {name: self.data.get(name, "") for name in self.fields}
        self.data = values | {"revision": present["revision"]}

    def _display_value(self, name: str, value: Any) -> str:
        if name == "owner":
            value = self._owners_by_id.get(value)
        return str(value) if value else _("nothing")

    def to_key_details(self) -> KeyDetails:
        """The cleaned values, as the services of the vault take them."""
        data = self.cleaned_data
        return KeyDetails(
            label=data["label"],
            organization_id=data["organization_id"],
            owner=self._owners_by_id.get(data["owner"]) if data["owner"] else None,
            tags=tuple(data["tags"].replace(";", ",").split(",")),
            grace_minutes=data["grace_minutes"],
            expires_on=data["expires_on"],
        )


class KeyAddForm(KeySecretForm, KeyDetailsForm):
    """A new key: its details and its secret."""

    # Nobody else has seen the details of a new key yet: Django's way to leave a field out.
    revision = None  # type: ignore[assignment]
    field_order = [
        *(
            "label",
            "environment",
            "api_key",
            "owner",
            "expires_on",
            "tags",
            "organization_id",
            "grace_minutes",
        )
    ]
