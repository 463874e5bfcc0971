"""What the texts of the data say: more than the symbols that a network sees of them, where words are unknown and ends are cut off."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from nnrun.registry.data.tokens import UNKNOWN
from nnrun.registry.field import Facts, Field
from nnrun.registry.fields.text import Text
from nnrun.runner.engine.data.batch import Part


class Told:
    """The texts of one field, of any part.

    A piece of a stream is no text of its own: it says what its symbols say.
    """

    def __init__(self, name: str, fields: Mapping[str, Field], facts: Mapping[str, Facts]) -> None:
        self.name, self.field, self.facts = name, fields[name], facts[name]

    def raw(self, part: Part, rows: Tensor) -> list[str]:
        """As the data has them."""
        if self.name in part.texts:
            return [str(part.texts[self.name][row]) for row in rows.tolist()]
        return [self.field.decode(row[None, :length].numpy(), self.facts)[0] for row, length in self._symbols(part, rows)]

    def true(self, part: Part, rows: Tensor) -> list[str]:
        """As a network would write them that knows all words and never has to stop: what is right to the letter."""
        assert isinstance(self.field, Text)
        texts = self.raw(part, rows)
        return [self.field.told(text, self.facts) for text in texts] if self.name in part.texts else texts

    def unknown(self, part: Part) -> float:
        """Share of the texts of a part that hold words which the vocabulary lacks."""
        return float((part.values[self.name][part.rows] == UNKNOWN).any(1).float().mean())

    def _symbols(self, part: Part, rows: Tensor) -> zip[tuple[Tensor, int]]:
        return zip(part.values[self.name][rows], part.lengths[self.name][rows].tolist(), strict=True)
