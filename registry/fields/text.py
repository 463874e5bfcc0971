"""Texts as sequences of tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import MISSING, by_row, check_rows, in_row, is_missing, shown
from nnrun.registry.data.files import existing, locate
from nnrun.registry.data.reading import read_text
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.data.spelling import LEARNED, as_learned
from nnrun.registry.data.tokens import BEGIN, END, PADDING, SPECIALS, UNKNOWN, Bytes, Characters, FromFile, Tokens, Words, commonest
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.options import LARGEST, NAME, Count
from nnrun.registry.shape import Axis, Shape, ShapeError

if TYPE_CHECKING:
    import numpy as np


def _tokens(value: Any) -> str:
    if isinstance(value, str) and (value in ("words", "characters", "bytes") or value.endswith(".json")):
        return value
    raise PydanticCustomError("wrong_type", "`words`, `characters`, `bytes`, or the path of a tokenizer file, which ends in .json")


_LEAST = len(SPECIALS) + 1


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
    Raises: DataError if a row has no text, or none that leaves a token.
    """

    timed = True

    type: Literal["text"]
    tokens: Annotated[Any, BeforeValidator(_tokens), WithJsonSchema({"type": "string"})] = "words"
    """What a token is. `words`: words, numbers (1,000.5) and single signs of punctuation, without white space; a word may
    have apostrophes inside (don't). `characters`: Unicode characters. `bytes`: bytes of the UTF-8 form; nothing is ever
    unknown. Else the path of a `tokenizer.json` of Hugging Face's `tokenizers`, with the vocabulary of that file; in the
    place of its own token for what is unknown stands ours. One that an installed package ships is `package:NAME/PATH`.
    Scripts that do not part words by spaces want `characters`, `bytes` or a file."""
    vocabulary: Vocabulary = 8000
    """How many symbols at most, with the four special ones; rarer words or characters become unknown. Or the name of a text field whose
    vocabulary is that of this one too, so that nodes may share the vectors of both: the training parts of both columns teach it."""
    min_count: Count = 1
    """Words or characters that occur less often than this in the training part become unknown."""
    lower: bool | None = None
    """Whether capitals become small letters. Where left out, they do for `words` only."""
    max_length: Count | None = None
    """How many tokens of a text are kept at most: longer texts lose their end. The end symbol does not count. What a network
    writes is judged beside the whole text all the same."""
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
        if self.tokens in ("words", "characters"):
            return () if self.teacher is None else ("min_count",)
        return ("vocabulary", "min_count")

    @property
    def teacher(self) -> str | None:
        """The field whose vocabulary is that of this one too."""
        return self.vocabulary if isinstance(self.vocabulary, str) and self.tokens in ("words", "characters") else None

    @property
    def is_cut_by_file(self) -> bool:
        """Whether a tokenizer file says what a token is."""
        return self.tokens not in ("words", "characters", "bytes")

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
        return Counter(token for row, text in enumerate(column) for token in _cut(split, text, row))

    def learned(self, counts: Counter[str]) -> dict[str, Any]:
        """Facts of tokens that were counted, in this column and in others whose vocabulary is the same."""
        return {"vocabulary": [*SPECIALS, *commonest(counts, self.vocabulary - len(SPECIALS), self.min_count)], **LEARNED}

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        import numpy as np

        split = self._split(facts)
        # A word that is spelled like a special symbol is just a word: the later number wins.
        number = {token: index for index, token in enumerate(facts["vocabulary"])}
        rows = [
            [number.get(token, UNKNOWN) for token in _cut(split, text, row)] + [END] * bool(self.end) for row, text in enumerate(column)
        ]
        return by_row(rows, lambda row: np.array(row, dtype=np.int64))

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        import numpy as np

        return [self._join(np.atleast_1d(row), facts) for row in values]  # of single tokens, each is a text

    def told(self, text: str, facts: Facts) -> str:
        """A text as it would be written token by token: cut and joined again, whole, whether or not the vocabulary has its words."""
        way, text = self._way(facts), self._formed(text, facts)
        tokens = way.split(text)
        return way.join(tokens) if not isinstance(way, FromFile) or way.knows(tokens) else text

    def continued(self, begin: str, symbols: Sequence[int], facts: Facts) -> str:
        """A text that begins as given, in words that the vocabulary may lack, and goes on with symbols."""
        listed = [facts["vocabulary"][symbol] for symbol in symbols]
        return self._way(facts).join([*self._split(facts)(begin), *listed])

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        letters, space = list("abcdefghij"), " " if self.tokens == "words" else ""
        return in_ticks(lambda n: space.join(rng.choice(letters, n)), count)

    def _way(self, facts: Facts) -> Tokens:
        match self.tokens:
            case "words":
                return Words()
            case "characters":
                return Characters()
            case "bytes":
                return Bytes()
        return FromFile(facts["tokenizer"])

    def _split(self, facts: Facts) -> Callable[[str], list[str]]:
        split = self._way(facts).split
        return lambda text: split(self._formed(text, facts))[: self.max_length]

    def _formed(self, text: str, facts: Facts) -> str:
        """A text as it is cut."""
        lower = self.tokens == "words" if self.lower is None else self.lower
        return as_learned(text.lower() if lower else text, facts)

    def _join(self, numbers: np.ndarray, facts: Facts) -> str:
        listed = numbers.tolist()
        listed = listed[: listed.index(END)] if END in listed else listed
        return self._way(facts).join([facts["vocabulary"][number] for number in listed if number not in (PADDING, BEGIN)])


def _cut(split: Callable[[str], list[str]], text: Any, row: int) -> list[str]:
    with in_row(row):
        if not isinstance(text, str):
            raise DataError("has no value" if is_missing(text) else f"holds {shown(text)}, which is no text", MISSING)
        tokens = split(text)
        if not tokens:
            raise DataError(f"holds a text without any token: {shown(text)}", MISSING)
        return tokens
