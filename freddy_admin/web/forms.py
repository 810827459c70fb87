"""Forms: what is asked for, in plain words. What is right is decided by the services."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import Theme, User
from freddy_admin.accounts.services import NAME_LIMIT as PERSON_NAME_LIMIT
from freddy_admin.core.errors import PublicError
from freddy_admin.core.forms import BoundedForm, LineField
from freddy_admin.core.machines import headed
from freddy_admin.organisations.services import NAME_LIMIT
from freddy_admin.vault.details import (
    GRACE_AT_MOST,
    LABEL_LENGTH,
    ORGANIZATION_ID_LENGTH,
    KeyDetails,
)
from freddy_admin.web.zones import ZoneSelect

SECRET_LIMIT = 4096


@contextmanager
def told_beside_fields(form: forms.Form) -> Iterator[None]:
    """Says what a service refuses beside the field it is about, else above the form."""
    try:
        yield
    except PublicError as refused:
        if refused.http_status in {403, 404}:
            raise
        field = refused.field if refused.field in form.fields else None
        form.add_error(field, refused.message)
        if isinstance(form, PlainForm):
            form.refused = refused


def form_page(request: HttpRequest, template: str, page: Mapping[str, Any]) -> HttpResponse:
    """The page with its `form`; with 429 where what was sent came too often, all of it kept."""
    answer, form = render(request, template, dict(page)), page["form"]
    refused = form.refused if isinstance(form, PlainForm) else None
    if refused is None or refused.http_status != 429:
        return answer
    answer.status_code = refused.http_status
    return headed(answer, refused)


def _look(widget: forms.Widget) -> str:
    if isinstance(widget, forms.RadioSelect):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"


class PlainForm(BoundedForm):
    """A form as the panel's pages draw it."""

    use_required_attribute = True
    # What a service refused of it, if anything.
    refused: PublicError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | kwargs)
        # Errors are marked by the template: reading them here would validate too early.
        for name, field in self.fields.items():
            field.widget.attrs["class"] = _look(field.widget)
            if name != "api_key":
                field.error_messages["required"] = _("Fill this in.")


class OrganisationForm(PlainForm):
    """A name."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_LIMIT,
        help_text=_l("The customer or department, as your colleagues call it."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class RemoveForm(PlainForm):
    """The name, typed, so that nothing is removed by a slip."""

    name = forms.CharField(
        label=_l("Type the organisation's name to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_name(self) -> str:
        """Exactly the name, apart from white space around it."""
        name = str(self.cleaned_data["name"])
        if name.strip() != self.expected.strip():
            raise forms.ValidationError(
                _("This is not the organisation's name. Nothing was removed.")
            )
        return name


class RevokeForm(PlainForm):
    """The label, typed, so that no key is wiped by a slip."""

    label = forms.CharField(
        label=_l("Type the key's label to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_label(self) -> str:
        """Exactly the label, apart from white space around it."""
        label = str(self.cleaned_data["label"])
        if label.strip() != self.expected.strip():
            raise forms.ValidationError(_("This is not the key's label. Nothing was revoked."))
        return label


class SecretForm(PlainForm):
    """A pasted API key: never sent back, whatever happens."""

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


class DetailsForm(PlainForm):
    """What is said of a key beside its secret."""

    label = LineField(
        label=_l("Label"),
        limit=LABEL_LENGTH,
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
        limit=ORGANIZATION_ID_LENGTH,
        help_text=_l("Looks like org_… . With it we warn you if a key belongs to somebody else."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    grace_minutes = forms.IntegerField(
        label=_l("Own grace, in minutes"),
        required=False,
        min_value=1,
        max_value=GRACE_AT_MOST,
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
    # Which details were looked at, so that a change from another tab is noticed.
    revision = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    field_order: Sequence[str] = ()

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._people = {person.pk: person for person in people}
        owner = self.fields["owner"]
        assert isinstance(owner, forms.TypedChoiceField)  # noqa: S101  declared above
        owner.choices = [
            ("", _("nobody yet")),
            *((str(person.pk), str(person)) for person in people),
        ]

    def overtaken(self, present: Mapping[str, Any]) -> None:
        """Says what the details are by now; saving once more is then a choice, not a slip."""
        lines = [
            _("%(field)s: %(value)s")
            % {"field": self.fields[name].label, "value": self._shown(name, value)}
            for name, value in present.items()
            if name != "revision" and str(value or "") != str(self.data.get(name, "") or "")
        ]
        now = _("Now: %(details)s.") % {"details": "; ".join(lines)} if lines else ""
        sentence = _(
            "Somebody else changed these details in the meantime, so yours were not saved. "
            "%(now)s Save again to put yours in their place."
        )
        self.add_error(None, sentence % {"now": now})
        sent = {name: self.data.get(name, "") for name in self.fields}
        self.data = sent | {"revision": present["revision"]}

    def _shown(self, name: str, value: Any) -> str:
        if name == "owner":
            value = self._people.get(value)
        return str(value) if value else _("nothing")

    def details(self) -> KeyDetails:
        """The cleaned values, as the vault takes them."""
        data = self.cleaned_data
        return KeyDetails(
            label=data["label"],
            organization_id=data["organization_id"],
            owner=self._people.get(data["owner"]) if data["owner"] else None,
            tags=tuple(data["tags"].replace(";", ",").split(",")),
            grace_minutes=data["grace_minutes"],
            expires_on=data["expires_on"],
        )


class AddKeyForm(SecretForm, DetailsForm):
    """A new key: what it is called, and the key itself."""

    # Nobody else has seen the details of a new key yet: Django's way to leave a field out.
    revision = None  # type: ignore[assignment]
    field_order = [
        *("label", "api_key", "owner", "expires_on", "tags", "organization_id", "grace_minutes")
    ]


class ProfileForm(PlainForm):
    """What a person says of themselves."""

    name = LineField(
        label=_l("Name"),
        required=False,
        limit=PERSON_NAME_LIMIT,
        help_text=_l("Shown as the owner of keys and in the audit log."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    # A zone that does not exist is refused by the service.
    time_zone = forms.CharField(
        label=_l("Time zone"),
        help_text=_l("All times are shown in this zone."),
        widget=ZoneSelect,
    )
    theme = forms.ChoiceField(label=_l("Look"), choices=Theme.choices)
