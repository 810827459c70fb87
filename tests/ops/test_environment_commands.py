"""What the operator's commands say of environments."""

import pytest
from django.conf import LazySettings

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.vault.models import ApiKey
from tests.ops.conftest import RunCommand, WriteKeyFile, sandbox_secret

pytestmark = pytest.mark.django_db
HEADER = "organisation,label,api_key,organization_id,tags,environment"


@pytest.fixture(autouse=True)
def staging(sandbox: SandboxServer, settings: LazySettings) -> None:
    environment = ApiEnvironment("staging", f"{sandbox.base_url}/staging", ("X-API-Key", "api-key"))
    settings.AITRONOS_ENVIRONMENTS = (environment,)


def _staging_secret(name: str = "Acme") -> str:
    return sandbox_key(Scenario.HEALTHY, name, environment="staging")


def test_import_keys_takes_the_environment_of_a_row(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    rows = [f"Acme,Live,{sandbox_secret()},,,", f"Acme,Test,{_staging_secret()},,, STAGING "]
    assert run_command("import_keys", str(write_key_file(*rows, header=HEADER))).code == 0
    environments = dict(ApiKey.objects.values_list("label", "environment"))
    assert environments == {"Live": "default", "Test": "staging"}
    result = run_command("check_now", "--all")
    assert {line.split(" ", 1)[0] for line in result.lines} == {"up_to_date"}
    assert {line[19:] for line in result.lines} == {"Acme / Live", "Acme / Test [staging]"}


def test_import_keys_refuses_an_environment_that_is_not_set_up(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    rows = [f"Acme,Live,{sandbox_secret()},,,default", f"Acme,Test,{_staging_secret()},,,stagin"]
    result = run_command("import_keys", str(write_key_file(*rows, header=HEADER)))
    assert result.code == 1
    assert "row 3 (Acme · Test): malformed: environment: No such environment is set up here" in (
        result.out
    )
    assert "default, staging" in result.out
    assert not ApiKey.objects.exists()


def test_import_keys_says_where_a_key_is_already(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    row = f"Acme,Test,{_staging_secret()},,,"
    run_command("import_keys", str(write_key_file(f"{row}staging", header=HEADER)))
    again = run_command("import_keys", str(write_key_file(f"{row}staging", header=HEADER)))
    assert again.lines == ["row 2 (Acme · Test): already here"]
    elsewhere = run_command("import_keys", str(write_key_file(row, header=HEADER)))
    assert elsewhere.lines == ["row 2 (Acme · Test): already here, but in the environment staging"]
    assert ApiKey.objects.get().environment == "staging"


def test_doctor_names_the_address_and_headers_of_each_environment(
    run_command: RunCommand, sandbox: SandboxServer
) -> None:
    lines = run_command("doctor").lines
    (line,) = [line for line in lines if " environment " in line]
    assert not line.startswith("PROBLEM")
    assert f"default is {sandbox.base_url}, keys are sent in X-API-Key" in line
    assert f"staging is {sandbox.base_url}/staging, keys are sent in X-API-Key + api-key" in line
    (api,) = [line for line in lines if " api " in line]
    assert f"{sandbox.base_url} answers." in api
    assert f"{sandbox.base_url}/staging answers." in api


def test_doctor_names_the_environment_that_does_not_answer(
    run_command: RunCommand, settings: LazySettings
) -> None:
    settings.AITRONOS_ENVIRONMENTS = (ApiEnvironment("gone", "http://127.0.0.1:9", ("api-key",)),)
    (api,) = [line for line in run_command("doctor").lines if " api " in line]
    assert api.startswith("PROBLEM")
    assert "http://127.0.0.1:9 does not answer as it should (connection_refused)" in api
    assert "see AITRONOS_ENVIRONMENTS" in api


def test_doctor_names_environments_that_keys_belong_to_and_settings_do_not(
    run_command: RunCommand, write_key_file: WriteKeyFile, settings: LazySettings
) -> None:
    row = f"Acme,Test,{_staging_secret()},,,staging"
    run_command("import_keys", str(write_key_file(row, header=HEADER)))
    settings.AITRONOS_ENVIRONMENTS = ()
    (line,) = [line for line in run_command("doctor").lines if " environment " in line]
    assert line.startswith("PROBLEM")
    assert "are not called: staging (1)" in line
    assert run_command("check_now", "--all").lines == [
        "unknown            Acme / Test [staging] — environment_missing"
    ]
