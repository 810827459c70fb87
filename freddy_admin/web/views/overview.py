"""The overview: is every sync running, and if not, whose move is it?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def overview(request: HttpRequest) -> HttpResponse:
    """The first page of a signed-in person."""
    return render(request, "overview/page.html")
