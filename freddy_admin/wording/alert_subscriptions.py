"""What a person is told of, by the rules of today. `severity` is the value of a `Severity`."""

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.sentences import Sentence, say


def subscription_sentence(
    organisation: str, severity: str | None, *, causes_only: bool = False
) -> Sentence:
    """Of one organisation, or of all of them where `organisation` is empty."""
    includes_warnings = severity == "warning"
    if causes_only:
        return say(_("What concerns many organisations at once, told once."))
    if not organisation:
        return say(
            _("All organisations: what needs action, and warnings.")
            if includes_warnings
            else _("All organisations: what needs action.")
        )
    if severity is None:
        text = _("{organisation}: nothing, by its rules and your role.")
    elif includes_warnings:
        text = _("{organisation}: what needs action, and warnings.")
    else:
        text = _("{organisation}: what needs action.")
    return say(text, organisation=organisation)
