"""Import of many keys: pasted, tested row by row, and saved only once confirmed."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.audit.services import actor_from_request
from freddy_admin.conf.api_environments import api_environments
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.access import can_create_organisations
from freddy_admin.vault.import_selectors import (
    import_draft_get,
    import_row_counts,
    import_rows_list,
    open_import_drafts_list,
    shared_organization_ids,
    similar_names_list,
)
from freddy_admin.vault.key_import_csv import COLUMNS, EXTRA_COLUMNS
from freddy_admin.vault.models import ImportRowState
from freddy_admin.vault.services.import_drafts import (
    OPTIONAL_ROW_STATES,
    UnreadFile,
    import_draft_confirm,
    import_draft_create,
    import_draft_discard,
    import_draft_retest,
)
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    key_manager_required,
    signed_in_user,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.htmx import not_modified, seen_part_digests
from freddy_admin.web.pages.key_import.forms import KeyImportForm
from freddy_admin.web.pages.key_import.presenter import (
    PAGE_SIZE,
    import_page_context,
    parse_import_query,
    similar_names_notice,
    unfinished_imports,
)
from freddy_admin.wording.imports import shared_id_warning
from freddy_admin.wording.sentences import format_number, render_text
from freddy_admin.wording.times import get_user_time


@sensitive_post_parameters("rows")
@key_manager_required(FORM_METHODS)
@reauthentication_required()
def import_create_view(request: HttpRequest) -> HttpResponse:
    """Paste or upload rows into an import draft; nothing is saved as a key yet."""
    person = signed_in_user(request)
    is_post = request.method == "POST"
    form = KeyImportForm(request.POST, request.FILES) if is_post else KeyImportForm()
    if is_post and form.is_valid():
        with add_form_errors(form):
            draft = import_draft_create(
                actor=actor_from_request(request), user=person, data=form.read_bytes()
            )
            return redirect("import_draft", draft_id=draft.pk)
    if isinstance(form.service_error, UnreadFile) and form.service_error.holds_no_secret:
        form.show_rows_again()
    # Where there is one environment, no page speaks of them.
    environments = list(api_environments()) if settings.AITRONOS_ENVIRONMENTS else []
    template_context = {
        "form": form,
        "columns": COLUMNS,
        "environments": environments,
        "extra_columns": [name for name in EXTRA_COLUMNS if environments or name != "environment"],
        "drafts": unfinished_imports(
            open_import_drafts_list(user=person), get_user_time(clock.now())
        ),
        "may_add": can_create_organisations(user=person),
    }
    return render(request, "import/new.html", template_context)


@key_manager_required()
def import_draft_detail_view(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """The rows of a draft with their test results, live."""
    draft = import_draft_get(user=signed_in_user(request), draft_id=draft_id)
    counts, query = import_row_counts(draft=draft), parse_import_query(request.GET)
    offset = (query.page - 1) * PAGE_SIZE
    rows = list(import_rows_list(draft=draft, state=query.verdict)[offset : offset + PAGE_SIZE])
    view = import_page_context(draft, counts, rows, query, get_user_time(clock.now()))
    if view["is_open"] and can_create_organisations(user=signed_in_user(request)):
        view["similar_names"] = similar_names_notice(similar_names_list(draft=draft))
    seen_digests = seen_part_digests(request)
    if seen_digests is not None and seen_digests.get("all") == view["digest"]:
        return not_modified()
    if view["is_open"] and view["can_save"]:
        shared_ids = shared_organization_ids(draft=draft)
        view["shared_id_warnings"] = [render_text(w) for w in map(shared_id_warning, shared_ids)]
    template = "import/draft.html" if seen_digests is None else "import/_draft.html"
    return render(request, template, {"view": view})


@key_manager_required(WRITE_METHODS)
@reauthentication_required(return_view="import_draft")
def import_draft_confirm_view(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Save the keys that work, and the rows that were ticked, singly or by their state."""
    extra_states = [
        ImportRowState(state)
        for state in request.POST.getlist("also")
        if state in OPTIONAL_ROW_STATES
    ]
    try:
        key_count = import_draft_confirm(
            actor=actor_from_request(request),
            user=signed_in_user(request),
            draft_id=draft_id,
            extra_states=extra_states,
            extra_numbers=_ticked_row_numbers(request),
        )
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        sentence = ngettext("%(n)s key is being saved.", "%(n)s keys are being saved.", key_count)
        messages.success(request, sentence % {"n": format_number(key_count)})
    return redirect("import_draft", draft_id=draft_id)


def _ticked_row_numbers(request: HttpRequest) -> set[int]:
    texts = request.POST.getlist("row")
    return {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 7}


@key_manager_required(WRITE_METHODS)
def import_draft_retest_view(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Test again the keys that were rejected or could not be tested."""
    try:
        import_draft_retest(
            actor=actor_from_request(request), user=signed_in_user(request), draft_id=draft_id
        )
    except Conflict as error:
        messages.warning(request, error.message)
    return redirect("import_draft", draft_id=draft_id)


@key_manager_required(WRITE_METHODS)
def import_draft_discard_view(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Discard a draft with all its rows."""
    try:
        import_draft_discard(
            actor=actor_from_request(request), user=signed_in_user(request), draft_id=draft_id
        )
    except Conflict as error:
        messages.warning(request, error.message)
        return redirect("import_draft", draft_id=draft_id)
    messages.success(request, _("The import was thrown away. Nothing of it was kept."))
    return redirect("import_new")
