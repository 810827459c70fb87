"""The cost of sealing, opening and parsing, and of an import."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.slow_api import STATUS_BODY
from benchmarks.timing import print_ratio, print_result, time_per_call
from freddy_admin.aitronos.json_parsing import parse_json_body
from freddy_admin.aitronos.response_parsing import parse_sync_status
from freddy_admin.crypto.keyring import keyring
from freddy_admin.ops.management.commands.import_keys import rows_import
from freddy_admin.vault.key_import_csv import csv_file_parse

SECRET = b"oak_live_" + b"0123456789abcdef" * 3 + b"012345"
CONTEXT = b"bench"
HEADERS = {"Content-Type": "application/json"}


def measure_sealing_and_parsing() -> None:
    """Time what one check does beside its call, and print it."""
    ring = keyring()
    sealed = ring.seal(SECRET, context=CONTEXT)
    microseconds = 1e6
    seal_time = time_per_call(lambda: ring.seal(SECRET, context=CONTEXT), times=300) * microseconds
    open_time = time_per_call(lambda: ring.open(sealed, context=CONTEXT), times=300) * microseconds
    parse_time = (
        time_per_call(lambda: parse_sync_status(parse_json_body(HEADERS, STATUS_BODY)), times=1000)
        * microseconds
    )
    cipher, nonce = AESGCM(bytes(32)), bytes(12)
    encrypted = cipher.encrypt(nonce, SECRET, CONTEXT)
    cipher_time = (
        time_per_call(lambda: cipher.decrypt(nonce, encrypted, CONTEXT), times=3_000) * microseconds
    )
    print_result("sealing a key", f"{seal_time:.0f} µs")
    print_result(
        "opening a key",
        f"{open_time:.0f} µs ({open_time / cipher_time:.0f} x AES-GCM alone)",
        "goal 120 µs",
        is_met=open_time <= 120,
    )
    print_ratio("parsing and checking an answer", parse_time, 30, unit="µs")


def import_keys(*, up_to: int) -> None:
    """Import keys until there are `up_to`; those that exist are skipped."""
    rows = [
        f"Organisation {number // 2},Key {number},oak_live_bench_{number:08d}_0123456789abcdef,,"
        f"tag{number % 7}"
        for number in range(up_to)
    ]
    header = "organisation,label,api_key,organization_id,tags"
    csv_file = csv_file_parse("\n".join([header, *rows]).encode())
    assert not csv_file.malformed_count, csv_file.lines[:3]
    rows_import(csv_file.rows, {})


def report_import_time(seconds: float) -> None:
    """Print the time of the last and largest import."""
    print_ratio("import of a file of 10,000 rows", seconds, 25, unit="s")
