"""The library's pages for second factors, where ours have a rule more."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import views as library
from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect


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
