"""`make lines` counts code, and nothing that is written for people alone."""

from tools.code_lines import code_lines

SOURCE = '''"""A docstring
of two lines."""

# A comment.
TEXT = """kept:
it is a value"""


def answer() -> int:
    """Another docstring."""
    return 42  # a comment beside code
'''


def test_docstrings_comments_and_blank_lines_do_not_count() -> None:
    assert code_lines(SOURCE) == 4
