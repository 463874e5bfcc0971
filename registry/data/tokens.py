"""Texts cut into tokens, and put together again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from nnrun.registry.field import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer as FileOfTokens

SPECIALS = ("<padding>", "<unknown>", "<begin>", "<end>")
"""The first symbols of every vocabulary."""
PADDING, UNKNOWN, BEGIN, END = range(4)

_APOSTROPHE = "'\N{RIGHT SINGLE QUOTATION MARK}"

WORD = re.compile(rf"\d+(?:[.,]\d+)+|\w+(?:[{_APOSTROPHE}]\w+)*|[^\w\s]")
"""A number such as 1,000.5; a word, also with apostrophes inside (don't); or one sign of punctuation."""

_GLUED_LEFT = re.compile(r" (?=[.,;:!?…)\]}])")
_GLUED_RIGHT = re.compile(r"(?<=[(\[{]) ")


class Tokens(Protocol):
    """A way to cut texts."""

    def split(self, text: str) -> list[str]:
        """The tokens of a text."""

    def join(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""


class Words:
    """Words, numbers and signs of punctuation; white space is dropped."""

    def split(self, text: str) -> list[str]:
        return WORD.findall(text)

    def join(self, tokens: Sequence[str]) -> str:
        return _GLUED_RIGHT.sub("", _GLUED_LEFT.sub("", " ".join(tokens)))


class Characters:
    """Unicode characters, white space too."""

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)


class Bytes:
    """Bytes of the text in UTF-8, each written as two hexadecimal digits."""

    symbols = tuple(f"{byte:02x}" for byte in range(256))

    def split(self, text: str) -> list[str]:
        return [self.symbols[byte] for byte in text.encode(errors="replace")]

    def join(self, tokens: Sequence[str]) -> str:
        parts = [token if token in self._known else b"<unknown>".hex() for token in tokens]
        return bytes.fromhex("".join(parts)).decode(errors="replace")

    _known = frozenset(symbols)


class Given:
    """Tokens that the data holds as lists; as a text, for people, they are parted by spaces."""

    def split(self, text: str) -> list[str]:
        return text.split(" ")

    def join(self, tokens: Sequence[str]) -> str:
        return " ".join(tokens)


class FromFile:
    """Tokens of a trained tokenizer, from the JSON text of its file. Padding and a longest length that it was saved with are left out."""

    def __init__(self, text: str) -> None:
        self.tokenizer, self.unknown = _load(text)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All tokens but the unknown one, for which we have a symbol of our own, in the order of the file's numbers."""
        vocabulary = self.tokenizer.get_vocab()
        return tuple(token for token in sorted(vocabulary, key=vocabulary.__getitem__) if token != self.unknown)

    @property
    def size(self) -> int:
        """How many numbers it gives."""
        return max(self.tokenizer.get_vocab().values(), default=-1) + 1

    def knows(self, tokens: Sequence[str]) -> bool:
        """Whether the vocabulary has all of these, which `split` gave."""
        return all(token != self.unknown and self.tokenizer.token_to_id(token) is not None for token in tokens)

    def number(self, token: str) -> int | None:
        """The file's number of a token, if it has one; of our symbol for what is unknown, that of its own."""
        number: int | None = self.tokenizer.token_to_id(self.unknown or token if token == SPECIALS[UNKNOWN] else token)
        return number

    def split(self, text: str) -> list[str]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).tokens)

    def join(self, tokens: Sequence[str]) -> str:
        numbers = [self.tokenizer.token_to_id(token) for token in tokens]
        return str(self.tokenizer.decode([number for number in numbers if number is not None], skip_special_tokens=False))


@lru_cache(maxsize=4)
def _load(text: str) -> tuple[FileOfTokens, str | None]:
    """A tokenizer, and its token for what is unknown."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DataError("needs the package `tokenizers` to read a tokenizer file", 'pip install "nnrun[tokenizers]"') from None
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises bare Exception
        help = "a file `tokenizer.json` of Hugging Face's tokenizers is wanted"
        raise DataError(f"has a tokenizer file that cannot be read: {error}", help) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = json.loads(text)["model"]
    if model.get("unk_id") is not None:  # of a unigram model, whose vocabulary is a list of tokens and scores
        return tokenizer, model["vocab"][model["unk_id"]][0]
    return tokenizer, model.get("unk_token")


def commonest(counts: Mapping[str, int], most: int, least: int) -> list[str]:
    """The `most` commonest tokens that occur `least` times or more; of equally common ones the first of the alphabet."""
    ranked = sorted((token for token, count in counts.items() if count >= least), key=lambda token: (-counts[token], token))
    return ranked[:most]
