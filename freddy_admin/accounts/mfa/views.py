"""allauth's views for second factors, where one more rule holds here."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import views as library
from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect


class RemovePasskeyView(library.RemoveWebAuthnView):  # type: ignore[misc]
    """Refuses to remove the last second factor of somebody of whom one is required."""

    def form_valid(self, form: Form) -> HttpResponse:
        """Remove the passkey, or say why it stays."""
        adapter = get_adapter()
        if adapter.can_delete_authenticator(self.object):
            response: HttpResponse = super().form_valid(form)
            return response
        messages.error(self.request, adapter.error_messages["cannot_delete_authenticator"])
        return HttpResponseRedirect(str(self.success_url))
