"""What `nnrun explain` knows: a page for each finding and library, the sections, keys and words of a spec, and what it can name."""

from __future__ import annotations

from pathlib import Path

from nnrun.registry.catalog import FOLDERS, all_of, find
from nnrun.runner.show.sections import names, section_text
from nnrun.runner.show.tables import component_text
from nnrun.runner.show.words import word_text, words

ROOMS = [Path(__file__).parents[1] / name for name in ("errors", "libraries")]


def explanation(what: str) -> str | None:
    """The page of a finding or a library, or what there is to say of all that has that name in a spec; None where nothing has."""
    page = _pages().get(what)
    if page is not None:
        return page.read_text(encoding="utf-8")
    parts = [component_text(cls) for role in FOLDERS if (cls := find(role, what)) is not None]
    return "\n".join([text for text in (section_text(what), *parts, word_text(what)) if text is not None]) or None


def explainable() -> list[str]:
    """All that can be asked for."""
    return list(dict.fromkeys([*_pages(), *names(), *(name for role in FOLDERS for name in all_of(role)), *words()]))


def _pages() -> dict[str, Path]:
    """Of what is found in a spec, in `run/` of what goes wrong when it runs, and of the libraries whose words people know."""
    return {page.stem: page for room in ROOMS for page in sorted(room.rglob("*.md"))}
