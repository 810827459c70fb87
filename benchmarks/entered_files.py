"""How many files of the panel one request enters: a reader has to follow as many."""

from django.test import Client

from benchmarks.timing import print_result
from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from tests.entered_files import entered_files

PASSWORD = "correct horse battery"


def measure_entered_files() -> None:
    """Count them for the overview, an organisation's page and a sign-in; print the counts."""
    person = User.objects.get(is_platform_admin=True)
    organisation = Organisation.objects.order_by("pk").first()
    assert organisation is not None
    browser = Client(headers={"host": "localhost"})
    browser.force_login(person)
    for name, path, goal in (
        ("the overview", "/", 28),
        ("an organisation's page", f"/organisations/{organisation.slug}/", 40),
    ):
        browser.get(path)
        files = entered_files(lambda path=path: browser.get(path))
        print_result(
            f"files entered, {name}", str(len(files)), f"goal {goal}", is_met=len(files) <= goal
        )
    visitor = Client(headers={"host": "localhost"})
    visitor.get("/accounts/login/")
    fields = {"login": person.email, "password": PASSWORD}
    files = entered_files(lambda: visitor.post("/accounts/login/", fields))
    print_result("files entered, a sign-in", str(len(files)), "goal 20", is_met=len(files) <= 20)
