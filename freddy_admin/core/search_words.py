"""Words of a text as they are searched: without case, accents and punctuation."""

import re
import unicodedata

WORD_MAX_LENGTH = 80
_WORD_PATTERN = re.compile(r"[^\W_]+")
# Scripts that put no blanks between words: there, a word may begin at every character.
_UNSPACED_PATTERN = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_MAX_SUFFIXES = 20


def search_words(text: str) -> list[str]:
    """The words of a text, folded, each once and in order; at most 80 characters of each."""
    words = (_fold(word) for word in _WORD_PATTERN.findall(text))
    return list(dict.fromkeys(word[:WORD_MAX_LENGTH] for word in words if word))


def indexed_words(text: str) -> set[str]:
    """What `search_words` has to find at its beginning for a text to be found."""
    words = set(search_words(text))
    for word in list(words):
        if _UNSPACED_PATTERN.search(word):
            words |= {word[start:] for start in range(1, min(len(word), _MAX_SUFFIXES))}
    return words


def word_range_end(prefix: str) -> str:
    """Words that begin with `prefix` are from it to this, compared by bytes."""
    return prefix + chr(0x10FFFF)


def _fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(_WORD_PATTERN.findall(decomposed))
