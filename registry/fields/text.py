"""Texts as sequences of tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import MISSING, by_row, check_rows, depth, in_row, is_missing, shown
from nnrun.registry.data.files import existing, locate
from nnrun.registry.data.reading import read_text
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.data.spelling import LEARNED, as_learned
from nnrun.registry.data.tokens import BEGIN, END, PADDING, SPECIALS, UNKNOWN, Bytes, Characters, FromFile, Given, Tokens, Words, commonest
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import LARGEST, NAME, Count
from nnrun.registry.shape import Axis, Shape, ShapeError

if TYPE_CHECKING:
    import numpy as np


WAYS = ("words", "characters", "bytes", "given")
"""What says what a token is, where no tokenizer file does."""


def _tokens(value: Any) -> str:
    if isinstance(value, str) and (value in WAYS or value.endswith(".json")):
        return value
    wanted = "`words`, `characters`, `bytes`, `given`, or the path of a tokenizer file, which ends in .json"
    raise PydanticCustomError("wrong_type", wanted)


_LEAST = len(SPECIALS) + 1

LETTERS = "abcdefghij"
"""Of made-up texts."""


def _vocabulary(value: Any) -> int | str:
    is_number = isinstance(value, int) and not isinstance(value, bool) and _LEAST <= value <= LARGEST
    if is_number or (isinstance(value, str) and re.fullmatch(NAME, value)):
        return value  # type: ignore[no-any-return]
    raise PydanticCustomError("wrong_type", f"a whole number from {_LEAST}, or the name of a text field whose vocabulary is its own too")


Vocabulary = Annotated[
    Any,
    BeforeValidator(_vocabulary),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": _LEAST, "maximum": LARGEST}, {"type": "string", "pattern": NAME}]}),
]


@register
class Text(Field):
    """A text in each row, cut into tokens; each token is a number of the vocabulary.

    The vocabulary is that of the training part, the commonest tokens first. Four symbols stand before them: 0 padding,
    1 unknown, 2 begin and 3 end. Begin is never put before a text; decoding starts from it. Characters are composed before a
    text is cut (Unicode NFC): é is one of them, however the data writes it.

    Shape: a token at each tick of a time axis that has the field's name.
    Raises: DataError if a row has no text, or none that leaves a token; of given tokens, if it is no list of texts.
    """

    timed = True

    type: Literal["text"]
    tokens: Annotated[Any, BeforeValidator(_tokens), WithJsonSchema({"type": "string"})] = "words"
    """What a token is. `words`: words, numbers (1,000.5) and single signs of punctuation, without white space; a word may
    have apostrophes inside (don't). `characters`: Unicode characters. `bytes`: bytes of the UTF-8 form; nothing is ever
    unknown. Else the path of a `tokenizer.json` of Hugging Face's `tokenizers`, with the vocabulary of that file; in the
    place of its own token for what is unknown stands ours. One that an installed package ships is `package:NAME/PATH`.
    `given`: nothing is cut; a row holds a list of tokens, as a Parquet or JSON file has them, and a tag for each is a
    `category` with `along`.
    Scripts that do not part words by spaces want `characters`, `bytes` or a file."""
    vocabulary: Vocabulary = 8000
    """How many symbols at most, with the four special ones; rarer words or characters become unknown. Or the name of a text field whose
    vocabulary is that of this one too, so that nodes may share the vectors of both: the training parts of both columns teach it."""
    min_count: Count = 1
    """Words or characters that occur less often than this in the training part become unknown."""
    lower: bool | None = None
    """Whether capitals become small letters. Where left out, they do for `words` only."""
    max_length: Count | None = None
    """How many tokens of a text are kept at most: longer texts lose their end, and so does what lies along them. The end symbol does
    not count. What a network writes is judged beside the whole text all the same."""
    end: bool | None = None
    """Put the end symbol behind each text, for a network that is to learn where to stop. Where left out, behind the texts that a
    `choice` is to learn."""

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        for option in self.meaningless() if facts is None else ():  # networks of earlier versions were saved with them
            if option in self.model_fields_set:
                other = f"`{self.teacher}` brings one" if self.teacher else "a tokenizer file brings one"
                given = "bytes have one of 256" if self.tokens == "bytes" else other
                message = f"`{option}` is about a vocabulary learned from the data, but {given}"
                raise ShapeError(message, field=option, help=f"leave out `{option}`")
        classes: Axis = len(SPECIALS) + 256 if self.tokens == "bytes" else len(facts["vocabulary"]) if facts else self.teacher or name
        return Shape(kind="token", classes=classes, time=name)

    def meaningless(self) -> tuple[str, ...]:
        if self.is_learned:
            return () if self.teacher is None else ("min_count",)
        return ("vocabulary", "min_count")

    @property
    def teacher(self) -> str | None:
        """The field whose vocabulary is that of this one too."""
        return self.vocabulary if isinstance(self.vocabulary, str) and self.is_learned else None

    @property
    def is_cut_by_file(self) -> bool:
        """Whether a tokenizer file says what a token is."""
        return self.tokens not in WAYS

    @property
    def is_learned(self) -> bool:
        """Whether the training part teaches the vocabulary."""
        return self.tokens in ("words", "characters", "given")

    @property
    def are_given(self) -> bool:
        """Whether a row holds a list of tokens."""
        return bool(self.tokens == "given")

    def located(self, folder: Path) -> Self:
        return self.model_copy(update={"tokens": str(locate(folder, self.tokens))}) if self.is_cut_by_file else self

    def read_files(self) -> tuple[Path, ...]:
        return (Path(self.tokens),) if self.is_cut_by_file else ()

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        if self.tokens == "bytes":
            return {"vocabulary": [*SPECIALS, *Bytes.symbols], **LEARNED}
        if self.is_cut_by_file:
            text = read_text(existing(Path(), self.tokens))
            return {"vocabulary": [*SPECIALS, *FromFile(text).symbols], "tokenizer": text, **LEARNED}
        return self.learned(self.counted(column))

    def counted(self, column: Sequence[Any]) -> Counter[str]:
        """How often each token occurs in the training part. Raises: DataError."""
        check_rows(column)
        split = self._split(LEARNED)
        return Counter(token for row, text in enumerate(column) for token in _cut(split, text, row)[: self.max_length])

    def learned(self, counts: Counter[str]) -> dict[str, Any]:
        """Facts of tokens that were counted, in this column and in others whose vocabulary is the same."""
        return {"vocabulary": [*SPECIALS, *commonest(counts, self.vocabulary - len(SPECIALS), self.min_count)], **LEARNED}

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        import numpy as np

        split = self._split(facts)
        # A word that is spelled like a special symbol is just a word: the later number wins.
        number = {token: index for index, token in enumerate(facts["vocabulary"])}
        whole, rows = [], list[list[int]]()
        for row, text in enumerate(column):
            tokens = _cut(split, text, row)
            whole.append(len(tokens))
            rows.append([number.get(token, UNKNOWN) for token in tokens[: self.max_length]] + [END] * bool(self.end))
        found = by_row(rows, lambda row: np.array(row, dtype=np.int64))
        return found if self.end else replace(found, whole=np.array(whole, dtype=np.int64))

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        import numpy as np

        if self.are_given and values.ndim > 1:
            return [self._symbols(row, facts) for row in values]
        return [self._join(np.atleast_1d(row), facts) for row in values]  # of single tokens, each is a text

    def written(self, column: Sequence[Any]) -> Sequence[str]:
        """The texts of a column, as people read them."""
        return [Given().join(tokens) for tokens in column] if self.are_given else column

    def told(self, text: str, facts: Facts) -> str:
        """A text as it would be written token by token: cut and joined again, whole, whether or not the vocabulary has its words."""
        way, text = self._way(facts), self._formed(text, facts)
        tokens = way.split(text)
        return way.join(tokens) if not isinstance(way, FromFile) or way.knows(tokens) else text

    def continued(self, begin: str, symbols: Sequence[int], facts: Facts) -> str:
        """A text that begins as given, in words that the vocabulary may lack, and goes on with symbols."""
        listed = [facts["vocabulary"][symbol] for symbol in symbols]
        return self._way(facts).join([*self._split(facts)(begin)[: self.max_length], *listed])

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        space = " " if self.tokens == "words" else ""

        def some(ticks: int) -> str | list[str]:
            """So many tokens with the end symbol, no two in a row alike: as many frames can spell them."""
            steps = rng.integers(1, len(LETTERS), ticks - bool(self.end))
            tokens = [LETTERS[place] for place in steps.cumsum() % len(LETTERS)]
            return tokens if self.are_given else space.join(tokens)

        return in_ticks(some, count)

    def _way(self, facts: Facts) -> Tokens:
        match self.tokens:
            case "words":
                return Words()
            case "characters":
                return Characters()
            case "bytes":
                return Bytes()
            case "given":
                return Given()
        return FromFile(facts["tokenizer"])

    def _split(self, facts: Facts) -> Callable[[Any], list[str]]:
        """The tokens of a cell. Raises: DataError."""
        if self.are_given:
            return lambda cell: [self._formed(token, facts) for token in _listed(cell)]
        split = self._way(facts).split
        return lambda cell: split(self._formed(_text(cell), facts))

    def _formed(self, text: str, facts: Facts) -> str:
        """A text as it is cut."""
        lower = self.tokens == "words" if self.lower is None else self.lower
        return as_learned(text.lower() if lower else text, facts)

    def _join(self, numbers: np.ndarray, facts: Facts) -> str:
        return self._way(facts).join(self._symbols(numbers, facts))

    def _symbols(self, numbers: np.ndarray, facts: Facts) -> list[str]:
        listed = numbers.tolist()
        listed = listed[: listed.index(END)] if END in listed else listed
        return [facts["vocabulary"][number] for number in listed if number not in (PADDING, BEGIN)]


def _cut(split: Callable[[Any], list[str]], cell: Any, row: int) -> list[str]:
    with in_row(row):
        tokens = split(cell)
        if not tokens:
            raise DataError(f"holds a text without any token: {shown(cell)}", MISSING)
        return tokens


def _text(cell: Any) -> str:
    """Raises: DataError if it is none."""
    if not isinstance(cell, str):
        raise DataError("has no value" if is_missing(cell) else f"holds {shown(cell)}, which is no text", MISSING)
    return cell


def _listed(cell: Any) -> list[str]:
    """Raises: DataError if it is no list of texts."""
    if depth(cell) == 0:
        if is_missing(cell):
            raise DataError("has no value", MISSING)
        help = "a Parquet or JSON file holds lists; `tokens: words` cuts a text"
        raise DataError(f"holds {shown(cell)}, where a list of tokens is wanted", help)
    tokens: list[str] = list(cell)
    for tick, token in enumerate(tokens):
        if not isinstance(token, str) or not token:
            what = "has no value" if token is None or token == "" else f"holds {shown(token)}, which is no text"
            raise DataError(what, "each token is a text of one character or more", row=tick)
    return tokens
