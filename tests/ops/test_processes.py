"""What a launch reports before anything is started."""

import socket
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError

from freddy_admin.crypto.keyring import public_key_from_private_key
from freddy_admin.ops.processes import LaunchPlan, processes_launch, web_server_environment


def test_taken_port_is_one_sentence_and_starts_nothing(tmp_path: Path) -> None:
    marker_path = tmp_path / "started"
    with socket.socket() as other_socket:
        other_socket.bind(("127.0.0.1", 0))
        other_socket.listen()
        port = other_socket.getsockname()[1]
        plan = LaunchPlan(port=port, env={}, setup_commands=[("step", ["touch", str(marker_path)])])
        with pytest.raises(CommandError, match=f"Port {port} cannot be used.*PORT=8001"):
            processes_launch(plan)
    assert not marker_path.exists()


def test_failing_setup_command_stops_everything_and_is_named() -> None:
    plan = LaunchPlan(port=0, env={}, setup_commands=[("preparing the data", ["false"])])
    with pytest.raises(CommandError, match="preparing the data ended with code 1"):
        processes_launch(plan)


def test_web_server_gets_the_public_half_of_the_master_key_alone(
    settings: LazySettings,
) -> None:
    (private,) = settings.ENCRYPTION_KEYS
    env = web_server_environment(
        {"ENCRYPTION_KEYS": private, "ENCRYPTION_KEYS_FILE": "/key", "A": "b"}
    )
    assert env["ENCRYPTION_PUBLIC_KEY"] == public_key_from_private_key(private)
    assert env["A"] == "b"
    # Set and empty, so that a `.env` file beside does not fill them in.
    assert {env[name] for name in env if name.startswith("ENCRYPTION_KEYS")} == {""}
