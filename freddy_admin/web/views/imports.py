"""Many keys at once: pasted, tried out, looked at row by row, and saved only once confirmed."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.selectors import may_create_organisations
from freddy_admin.vault.csv_file import COLUMNS
from freddy_admin.vault.import_reads import (
    import_counts,
    import_draft_get,
    import_drafts_of,
    import_rows,
)
from freddy_admin.vault.models import Verdict
from freddy_admin.vault.services.import_drafts import (
    CHOICES,
    import_draft_confirm,
    import_draft_discard,
    import_draft_open,
    import_draft_retest,
)
from freddy_admin.web.access import FORM, WRITE, by_key_manager, person_of
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.forms import told_beside_fields
from freddy_admin.web.import_form import ImportForm
from freddy_admin.web.live import nothing_new, seen_marks
from freddy_admin.web.presenters.imports.page import (
    PAGE_SIZE,
    draft_lines,
    import_query,
    import_view,
)
from freddy_admin.web.presenters.times import reading


@sensitive_post_parameters("rows")
@by_key_manager(FORM)
@confirmed_recently()
def import_new(request: HttpRequest) -> HttpResponse:
    """Paste or upload; nothing is saved as a key."""
    person = person_of(request)
    sent = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if sent else ImportForm()
    if sent and form.is_valid():
        with told_beside_fields(form):
            draft = import_draft_open(actor=actor_of(request), user=person, data=form.sent())
            return redirect("import_draft", draft_id=draft.pk)
    page = {
        "form": form,
        "columns": COLUMNS,
        "drafts": draft_lines(import_drafts_of(user=person), reading(clock.now())),
        "may_add": may_create_organisations(user=person),
    }
    return render(request, "import/new.html", page)


@by_key_manager()
def import_draft(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """The rows with their outcomes, live."""
    draft = import_draft_get(user=person_of(request), draft_id=draft_id)
    counts, query = import_counts(draft=draft), import_query(request.GET)
    found = import_rows(draft=draft, verdict=query.verdict)
    rows = list(found[query.start : query.start + PAGE_SIZE])
    view = import_view(draft, counts, rows, query, reading(clock.now()))
    seen = seen_marks(request)
    if seen is not None and seen.get("all") == view.mark:
        return nothing_new()
    template = "import/draft.html" if seen is None else "import/_draft.html"
    return render(request, template, {"view": view})


@by_key_manager(WRITE)
@confirmed_recently(back="import_draft")
def import_confirm(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Save those that work, and what was chosen beside them."""
    also = [Verdict(one) for one in request.POST.getlist("also") if one in CHOICES]
    try:
        number = import_draft_confirm(
            actor=actor_of(request), user=person_of(request), draft_id=draft_id, also=also
        )
    except Conflict as refused:
        messages.warning(request, refused.message)
    else:
        sentence = ngettext("%(n)s key is being saved.", "%(n)s keys are being saved.", number)
        messages.success(request, sentence % {"n": f"{number:,}"})
    return redirect("import_draft", draft_id=draft_id)


@by_key_manager(WRITE)
def import_retest(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Once more, for those that were rejected or could not be tested."""
    try:
        import_draft_retest(actor=actor_of(request), user=person_of(request), draft_id=draft_id)
    except Conflict as refused:
        messages.warning(request, refused.message)
    return redirect("import_draft", draft_id=draft_id)


@by_key_manager(WRITE)
def import_discard(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Away with all of it."""
    try:
        import_draft_discard(actor=actor_of(request), user=person_of(request), draft_id=draft_id)
    except Conflict as refused:
        messages.warning(request, refused.message)
        return redirect("import_draft", draft_id=draft_id)
    messages.success(request, _("The import was thrown away. Nothing of it was kept."))
    return redirect("import_new")
