"""One long text that every Python brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import PackagedSource
from nnrun.registry.source import Column


@register
class PythonDocs(PackagedSource):
    """Python's language reference, topic by topic in the order of the alphabet, as one long text in the column `text`.

    It is what `help("topics")` shows: 465,048 characters of English and of Python in version 3.11; other versions differ a
    little. `window` makes training pieces of it.

    Baselines on the last tenth, bits per character (Python 3.11): single characters 4.67; the five characters before,
    interpolated as Witten & Bell do, 1.93.
    Source: the module `pydoc_data.topics` of the standard library.
    """

    source: Literal["python_docs"]

    def columns(self) -> Mapping[str, Column]:
        return {"text": Column("text", about="the whole reference")}

    def table(self) -> Mapping[str, Any]:
        from pydoc_data.topics import topics

        return {"text": ["\n".join(topics[topic] for topic in sorted(topics))]}
