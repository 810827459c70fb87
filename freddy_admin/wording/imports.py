"""What came of pasted rows: the verdict of each test, and how far testing and saving are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.vault.import_selectors import SharedOrganizationId
from freddy_admin.vault.models import ImportDraftRow, ImportRowState, ImportSaveState
from freddy_admin.vault.services.bulk_import import ImportOutcome, ImportResult
from freddy_admin.wording.environments import other_environments_hint
from freddy_admin.wording.failures import (
    check_error_from_candidate,
    failure_sentences,
    failure_wording,
)
from freddy_admin.wording.next_steps import error_identity
from freddy_admin.wording.sentences import (
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN


@dataclass(frozen=True, slots=True)
class VerdictWording:
    """The verdict on a pasted row: its name, and how many rows have it."""

    label: Text
    tone: str
    icon: str
    counted: Any


VERDICT_WORDINGS: Final[Mapping[ImportRowState, VerdictWording]] = {
    ImportRowState.WAITING: VerdictWording(
        _("Being tested"),
        QUIET,
        "hourglass",
        ngettext_lazy("{n} being tested", "{n} being tested", "n"),
    ),
    ImportRowState.WORKS: VerdictWording(
        _("Works"), GOOD, "circle-check", ngettext_lazy("{n} works", "{n} work", "n")
    ),
    ImportRowState.DIFFERS: VerdictWording(
        _("Belongs to another organisation"),
        WARN,
        "alert-triangle",
        ngettext_lazy(
            "{n} belongs to another organisation", "{n} belong to another organisation", "n"
        ),
    ),
    ImportRowState.UNTESTED: VerdictWording(
        _("Could not be tested"),
        WARN,
        "help-hexagon",
        ngettext_lazy("{n} could not be tested", "{n} could not be tested", "n"),
    ),
    ImportRowState.REJECTED: VerdictWording(
        _("Rejected"), BAD, "key-off", ngettext_lazy("{n} rejected", "{n} rejected", "n")
    ),
    ImportRowState.DUPLICATE: VerdictWording(
        _("Already here"),
        QUIET,
        "copy",
        ngettext_lazy("{n} already here", "{n} already here", "n"),
    ),
    ImportRowState.MALFORMED: VerdictWording(
        _("Malformed"), BAD, "x", ngettext_lazy("{n} malformed", "{n} malformed", "n")
    ),
}


def verdict_count(state: ImportRowState, number: int) -> Sentence:
    """`12 could not be tested`."""
    return say_counted(VERDICT_WORDINGS[state].counted, number)


def verdict_sentences(row: ImportDraftRow) -> tuple[Sentence, ...]:
    """What came of this pasted row, and what to do; none while it waits for its test."""
    state = ImportRowState(row.state)
    if state == ImportRowState.WAITING:
        return ()
    if state == ImportRowState.MALFORMED:
        return (say("{problem}.", problem=row.problem.rstrip(".")),)
    if state == ImportRowState.DUPLICATE:
        if row.problem:  # it is another one's than the row says
            return (say("{problem}.", problem=capfirst(row.problem)),)
        return (say(_("Nothing to do: the organisation has this key.")),)
    if state == ImportRowState.WORKS:
        return (_reported_status(row),)
    if state == ImportRowState.DIFFERS:
        differs = _("Entered is {entered}, but it answers for another one: {result}")
        return (say(differs, entered=row.organization_id, result=_reported_status(row)),)
    error = check_error_from_candidate(row)
    if state == ImportRowState.REJECTED:
        return (
            *failure_sentences(error),
            error_identity(error),
            say(failure_wording(error).advice),
            other_environments_hint(row.result_kind, row.result_code, row.environment),
        )
    return (*failure_sentences(error), error_identity(error))


def shared_id_warning(shared: SharedOrganizationId) -> Sentence:
    """That rows of several organisations answer for one at Aitronos."""
    names = ", ".join(f"“{name}”" for name in shared.organisation_names[:_NAMES_LIMIT])
    other_count = len(shared.organisation_names) - _NAMES_LIMIT
    parts: dict[str, object] = {"names": names, "id": shared.organization_id}
    if other_count > 0:
        return say_counted(_SHARED_ID_AND_OTHERS, other_count, rows=shared.row_count, **parts)
    return say(
        _("{rows} rows name {names}, but Aitronos answers for one organisation: {id}."),
        rows=shared.row_count,
        **parts,
    )


_NAMES_LIMIT: Final = 3
_SHARED_ID_AND_OTHERS: Final[Any] = ngettext_lazy(
    "{rows} rows name {names} and {n} more organisation, but Aitronos answers for one: {id}.",
    "{rows} rows name {names} and {n} more organisations, but Aitronos answers for one: {id}.",
    "n",
)


def _reported_status(row: ImportDraftRow) -> Sentence:
    tools = ngettext_lazy("{n} tool, {enabled} on", "{n} tools, {enabled} on", "n")
    last_sync_at = row.reported_last_sync_at
    facts = [
        say_counted(tools, row.reported_total_tools or 0, enabled=row.reported_enabled_tools or 0),
        say(_("synced {ago}"), ago=Moment(last_sync_at, MomentStyle.RELATIVE_CELL))
        if last_sync_at
        else say(_("never synced")),
    ]
    if row.reported_organization_id:
        facts.append(say("{organisation}", organisation=row.reported_organization_id))
    return say("{facts}", facts=Phrases(tuple(facts), " · "))


def verification_progress(counts: Counter[str]) -> Sentence:
    """How many of the pasted keys are tested; `counts` are the rows by their verdict."""
    untestable_count = counts[ImportRowState.MALFORMED] + counts[ImportRowState.DUPLICATE]
    total = sum(counts.values()) - untestable_count
    tested_count = total - counts[ImportRowState.WAITING]
    if tested_count < total:
        text = ngettext_lazy("{done} of {n} key is tested.", "{done} of {n} keys are tested.", "n")
        return say_counted(text, total, done=tested_count)
    if not total:
        return say(_("None of these rows is a new key."))
    return say(_("All keys are tested. Nothing is saved yet."))


def save_progress(counts: Counter[str]) -> tuple[Sentence, ...]:
    """How many of the pasted keys are saved; `counts` are the rows by what is to become of them."""
    saved_count = counts[ImportSaveState.SAVED]
    saved = ngettext_lazy("{saved} of {n} key is saved.", "{saved} of {n} keys are saved.", "n")
    discarded = ngettext_lazy("{n} row was thrown away.", "{n} rows were thrown away.", "n")
    sentence = say_counted(saved, saved_count + counts[ImportSaveState.SAVING], saved=saved_count)
    discarded_count = counts[ImportSaveState.DISCARDED]
    return (sentence, say_counted(discarded, discarded_count)) if discarded_count else (sentence,)


def save_option(state: ImportRowState, number: int) -> Sentence:
    """The offer to save rows of this verdict as well: `DIFFERS`, `UNTESTED` or `REJECTED`."""
    return say_counted(_SAVE_OPTIONS[state], number)


_SAVE_OPTIONS: Final = {
    ImportRowState.UNTESTED: ngettext_lazy(
        "also the one that could not be tested", "also the {n} that could not be tested", "n"
    ),
    ImportRowState.REJECTED: ngettext_lazy(
        "also the one that was refused, and try it again every hour",
        "also the {n} that were refused, and try them again every hour",
        "n",
    ),
    ImportRowState.DIFFERS: ngettext_lazy(
        "also the one that answers for another organisation than entered",
        "also the {n} that answer for another organisation than entered",
        "n",
    ),
}


def similar_organisation_sentence(name: str, other_name: str) -> Sentence:
    """That an import adds an organisation whose name is nearly another's."""
    return say(
        _(
            "“{name}” would be added beside “{other_name}”: if they are the same, throw this "
            "import away and write the name alike."
        ),
        name=name,
        other_name=other_name,
    )


def import_row_details(row: ImportDraftRow) -> tuple[Sentence, ...]:
    """What a pasted row says of its key beside names and tags; none where it says nothing."""
    details = []
    if row.owner is not None:
        details.append(say(_("owner {name}"), name=str(row.owner)))
    if row.expires_on is not None:
        details.append(say(_("expires on {day}"), day=row.expires_on.isoformat()))
    if row.grace_minutes is not None:
        grace = ngettext_lazy("grace of {n} minute", "grace of {n} minutes", "n")
        details.append(say_counted(grace, row.grace_minutes))
    return (say("{details}", details=Phrases(tuple(details), " · ")),) if details else ()


def import_line(
    location: str, result: ImportResult, *, environment: str, dry_run: bool
) -> Sentence:
    """What became of a row of an imported file, for the report of the command.

    `environment` is the one that the row names.
    """
    if result.outcome == ImportOutcome.ALREADY_EXISTS:
        if result.environment != environment:
            text = _("{location}: already here, but in the environment {name}")
            return say(text, location=location, name=result.environment)
        return say(_("{location}: already here"), location=location)
    if dry_run:
        return say(_("{location}: would be added"), location=location)
    return say(_("{location}: added"), location=location)
