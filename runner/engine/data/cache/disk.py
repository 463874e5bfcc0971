"""Data that memory does not hold -> an entry of the cache, piece by piece: first what is learned of it, then its numbers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nnrun.registry.field import DataError, Facts, Field, naming
from nnrun.registry.source import Columns, Pieces
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.memory.needs import in_bytes
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.cache.entry import DATA, FILES, FORMAT, TEXTS, as_bytes
from nnrun.runner.engine.data.cache.proof import ChangedData
from nnrun.runner.engine.data.cache.rows import Rows, encoded, joined
from nnrun.runner.engine.data.cache.sections import Sections
from nnrun.runner.engine.data.cache.stamps import Stamp
from nnrun.runner.engine.data.columns import named_files, read_columns
from nnrun.runner.engine.data.dataset import Held, labels_of, learned, origins_of, refuse_nothing, refuse_one_class
from nnrun.runner.engine.data.division.split import Rows as Divided
from nnrun.runner.engine.data.division.split import divide, kept_together
from nnrun.runner.engine.data.encoding import encode


@dataclass
class Survey:
    """What a pass over all pieces tells beside facts."""

    forms: dict[str, tuple[torch.dtype, tuple[int, ...]]] = field(default_factory=dict)
    """Of a value's numbers: their type, and the axes of an example behind the time."""
    times: dict[str, str] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)
    """The most of any example, by time axis."""
    letters: dict[str, int] = field(default_factory=dict)
    """Bytes of all texts of a field."""


class Preparation:
    """The data of a spec on its way into a file."""

    def __init__(self, data: Data, fields: Mapping[str, Field], pieces: Pieces, targets: Sequence[str], folder: Path) -> None:
        self.data, self.pieces, self.targets = data, pieces, targets
        self.fields = {name: config.located(folder) for name, config in fields.items()}

    @property
    def count(self) -> int:
        return sum(self.pieces.rows.values())

    def named_files(self) -> list[str]:
        """The files that stand in the columns, such as pictures."""
        _, paths = read_columns(self.fields)
        return [file for piece in self._read(sorted(paths)) for file in named_files(self.fields, {"all": piece})] if paths else []

    def write(self, file: Path, files: Sequence[tuple[Stamp, str]], about: Mapping[str, str], make_room: Callable[[int], None]) -> None:
        """Raises: SourceError, DataError, OSError."""
        rows = self._divided()
        facts = learned(self.fields, lambda name, learn: self._taught(name, learn, rows["train"]))
        refuse_one_class(self.targets, facts)
        survey = self._surveyed(facts)
        whole = Sections()
        held = self._placed(whole, survey, rows, facts)
        for name, value in ((DATA, held), (TEXTS, {}), (FILES, [[*stamp, digest] for stamp, digest in files])):
            whole.place(name, as_bytes(value))
        make_room(whole.size)
        if whole.size > (room := shutil.disk_usage(file.parent).free):
            what = f"prepared, the data takes {in_bytes(whole.size)}, and the disk of `{file.parent}` has {in_bytes(room)}"
            raise DataError(what, "make room there, or let `XDG_CACHE_HOME` name a folder of a larger disk").blaming("data", "keep")
        with whole.writing(file, {"format": FORMAT, **about}):
            self._filled(whole, survey, facts)

    def _divided(self) -> Divided:
        """The rows of each part. Raises: DataError."""
        split = self.data.split
        columns = {name: self._column(config.reads(name)[0]) for name, config in self.fields.items() if config.type_name() == "category"}
        where = self._column(split.by) if split.by is not None and "all" in self.pieces.rows else None
        labels = labels_of(split, self.fields, columns, self.targets)
        kept = kept_together(split, [self._column(split.by_group)]) if split.by_group is not None else None
        rows = divide(split, self.pieces.rows, in_order=False, labels=labels, where=where, kept=kept)
        refuse_nothing(rows)
        return rows

    def _column(self, name: str) -> list[Any]:
        """A column of labels, whose texts are kept once."""
        known: dict[str, str] = {}
        every = (value for piece in self._read([name]) for value in piece[name])
        return [known.setdefault(value, value) if isinstance(value, str) else value for value in every]

    def _read(self, columns: Sequence[str]) -> Iterator[Columns]:
        """Columns of all parts, one after the other."""
        for part, count in self.pieces.rows.items():
            left = count
            for piece in self.pieces.read(part, list(dict.fromkeys(columns))):
                left -= len(next(iter(piece.values())))
                yield piece
            if left:
                raise ChangedData(f"part `{part}` had {count:,} rows, and now has {count - left:,}", "run again when the data is whole")

    def _taught(self, name: str, learn: Callable[[Sequence[Any]], Any], rows: np.ndarray) -> Any:
        """What a function makes of the training part of a field's column."""
        config = self.fields[name]
        is_train = np.zeros(self.count, dtype=bool)
        is_train[rows] = True

        def pieces() -> Iterator[Sequence[Any]]:
            start = 0
            for columns in self._read(config.reads(name)):
                piece = config.gather(name, columns)
                taken = np.flatnonzero(is_train[start : start + len(piece)])
                start += len(piece)
                if len(taken):
                    yield piece[taken] if isinstance(piece, np.ndarray) else [piece[row] for row in taken.tolist()]

        with naming(name, rows.tolist()):
            return learn(Rows(pieces, len(rows)))

    def _encoded(self, facts: Mapping[str, Facts]) -> Iterator[tuple[int, Part]]:
        """Of each piece, where it starts, and its values as a part."""
        start = 0
        wanted = [column for name, config in self.fields.items() for column in config.reads(name)]
        for columns in self._read(wanted):
            gathered = {name: config.gather(name, columns) for name, config in self.fields.items()}
            count = len(next(iter(gathered.values())))
            part, _ = encode(self.data, self.fields, gathered, facts, range(start, start + count), self.targets)
            yield start, part
            start += count

    def _surveyed(self, facts: Mapping[str, Facts]) -> Survey:
        """The first piece tells how numbers look; only where examples differ in length, or are texts, all have to be looked at."""
        survey = Survey()
        for _, part in self._encoded(facts):
            survey.times |= part.times
            for name, tensor in part.values.items():
                timed = name in part.times and part.times[name] in part.lengths
                survey.forms[name] = tensor.dtype, tuple(tensor.shape[1 + timed :])
            for axis, lengths in part.lengths.items():
                survey.ticks[axis] = max(survey.ticks.get(axis, 0), int(lengths.max()))
            for name in part.texts:
                survey.letters[name] = survey.letters.get(name, 0) + sum(len(encoded(text)) for text in part.texts[name])
            if not part.lengths and not part.texts:
                break
        return survey

    def _placed(self, whole: Sections, survey: Survey, rows: Mapping[str, np.ndarray], facts: Mapping[str, Facts]) -> dict[str, Any]:
        """Give everything its place in the file; what an entry says of that."""
        for name, (dtype, axes) in survey.forms.items():
            ticks = (survey.ticks[survey.times[name]],) if survey.times.get(name) in survey.ticks else ()
            whole.reserve(f"values/{name}", dtype, (self.count, *ticks, *axes))
        for axis in survey.ticks:
            whole.reserve(f"lengths/{axis}", torch.int64, (self.count,))
        for name, letters in survey.letters.items():
            whole.reserve(f"letters/{name}", torch.uint8, (letters,))
            whole.reserve(f"ends/{name}", torch.int64, (self.count,))
        for name, held in rows.items():
            if len(held):
                whole.place(f"rows/{name}", torch.from_numpy(held))
        named = origins_of(self.data, self.pieces.rows)
        listed = [Held(name, len(held), len(held), "rows", named[name]) for name, held in rows.items() if name in named]
        return {
            "values": {name: whole.at(f"values/{name}") for name in survey.forms},
            "lengths": {axis: whole.at(f"lengths/{axis}") for axis in survey.ticks},
            "times": survey.times,
            "ordering": {},
            "ends": None,
            "rows": {name: whole.at(f"rows/{name}") for name, held in rows.items() if len(held)},
            "facts": dict(facts),
            "given": list(self.pieces.rows),
            "held": [asdict(one) for one in listed],
            "notes": [],
            "said": [],
            "letters": {name: [whole.at(f"letters/{name}"), whole.at(f"ends/{name}")] for name in survey.letters},
            "on disk": True,
        }

    def _filled(self, whole: Sections, survey: Survey, facts: Mapping[str, Facts]) -> None:
        written = dict.fromkeys(survey.letters, 0)
        for start, part in self._encoded(facts):
            for name, tensor in part.values.items():
                room = survey.ticks.get(survey.times.get(name, ""))
                if room is not None and tensor.shape[1] < room:
                    tensor = torch.cat([tensor, tensor.new_zeros(len(tensor), room - tensor.shape[1], *tensor.shape[2:])], 1)
                whole.fill(f"values/{name}", start, tensor)
            for axis, lengths in part.lengths.items():
                whole.fill(f"lengths/{axis}", start, lengths)
            for name in survey.letters:
                letters, ends = joined(part.texts[name])
                whole.fill(f"letters/{name}", written[name], letters)
                whole.fill(f"ends/{name}", start, ends + written[name])
                written[name] += len(letters)
