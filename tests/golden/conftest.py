"""The fixtures of the pages' and the commands' tests."""

from tests.ops.conftest import sandbox  # noqa: F401
from tests.web.conftest import make_key, organisation  # noqa: F401
