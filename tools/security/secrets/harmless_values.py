"""Values that look like a secret and are none: each value whole, with the reason.

A value is in this list, or it is a secret: no folder and no prefix is exempt. A placeholder, such
as {password}, need not be listed.
"""

import re

PLACEHOLDER = re.compile(r"\{[A-Za-z_.]+\}|\$\{?[A-Z_]+\}?")  # {password}, $PASSWORD

HARMLESS_VALUES = {
    # Where an address shows its shape.
    "password": "stands for one, in the README, .env.example and comments",
    "pw": "of a database that is not there, tests of settings and addresses",
    "p": "of a Redis that is not there, tests of settings",
    "p%2Cw%3B%23": "of a Redis that is not there: how signs are written in an address",
    "pooled": "what a test's PgBouncer is told, which takes any password",
    "secret": "of an address that is refused, tests of AITRONOS_API_BASE_URL",
    "planted": "of addresses that are refused; a test looks that no message holds it",
    "se%3Acr%C3%A9t": "of a proxy that is not there: how signs are written in an address",
    "planted-password": "of a database in a report of an error; a test looks that it is left out",
    "hunter2hunter2": "an example for an earlier search like this one",
    # Settings of tests.
    "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz": "SECRET_KEY of the tests",
    "Change-me-0123456789-abcdefghijkl": "a SECRET_KEY that the start refuses as an example",
    "planted-0123456789-abcdefghijklmnopqrst": "a SECRET_KEY in a file of its own, for one test",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=": "a master key of counted digits, for one test",
    "p%2F": "a password in an address of a database, for one test",
    # Addresses of Slack that lead nowhere.
    "https://hooks.slack.com/services/T0/B0/planted0123456789": "made up, tests of channels",
    "https://hooks.slack.com/services/T0123/B0123/plantedtokenplanted": "made up, pages' tests",
    # API keys that the imitation understands, or nobody.
    "ak_live_0123456789abcdefghijklmnopqrstuv": "made up for the tests of the vault",
    "ak_live_0123456789abcdefghijklmnopqrstuvwxyz": "made up, tests of tampering",
    "ak_live_short_enough_for_tags_1234": "made up, pasted into a field of tags",
    "ak_live_that_fits_into_a_tag_12345": "made up, pasted into a field of tags",
    "ak_live_zyxwvutsrqponmlkjihgfedcba9876543": "made up for the tests of the vault",
    "oak_live_ABCdefGHIjklMNOpqrSTU": "made up, searched for in errors of the client",
    "oak_live_a1b2PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDwxyz": "planted, searched for in pages",
    "oak_live_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6": "made up, the client's tests",
    "oak_live_healthy_0123456789abcdef0123456789": "for the imitation, sent with a form",
    "oak_live_healthy_PLANTEDPLANTEDPLANTED_0123456789abcdef": "planted, for the imitation",
    "oak_live_healthy_new_0123456789abcdef": "for the imitation",
    "oak_live_healthy_of_nobody_0123456789abcdef": "for the imitation",
    "oak_live_healthy_old_0123456789abcdef": "for the imitation",
    "oak_live_healthy_other_0123456789abcdef": "for the imitation",
    "oak_live_documented_0123456789abcdefghijklmnop": "made up, for the API page's answers",
    "oak_live_waiting_0123456789abcdefghijklmnop": "made up, a new key that waits",
    "oak_live_small_0123456789abcdef": "made up, pasted as an import",
    "oak_live_nobody_knows_this_key_0123456789": "made up, refused by the imitation",
    "oak_live_victim_row_0123456789abcdef": "made up, pasted by a test",
    "oak_live_only_in_this_one_test_": "made up, in a test that is no more",
    "oak_live_planted_0123456789abcdef": "made up, sent with every form",
}
