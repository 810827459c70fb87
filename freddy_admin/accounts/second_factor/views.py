"""The library's pages for second factors, where ours have a rule more, and one of our own."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import views as library
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from freddy_admin.accounts.second_factor.confirmation import recently_confirmed
from freddy_admin.accounts.second_factor.typed import DOES, typed_take


class RemovePasskeyView(library.RemoveWebAuthnView):  # type: ignore[misc]
    """Not the last second factor of somebody of whom one is required."""

    def form_valid(self, form: Form) -> HttpResponse:
        """Remove it, or say why it stays."""
        adapter = get_adapter()
        if adapter.can_delete_authenticator(self.object):
            answer: HttpResponse = super().form_valid(form)
            return answer
        messages.error(self.request, adapter.error_messages["cannot_delete_authenticator"])
        return HttpResponseRedirect(str(self.success_url))


@require_safe
def confirmed(request: HttpRequest) -> HttpResponse:
    """Back from the provider with what was laid aside: a button does it, and nothing else."""
    found = (
        typed_take(request, request.GET.get("kept", "")) if recently_confirmed(request) else None
    )
    if found is None:
        messages.info(request, _("There is nothing to continue here. Start again where you were."))
        return redirect("overview")
    return render(request, "account/confirmed.html", found | {"then": DOES})
