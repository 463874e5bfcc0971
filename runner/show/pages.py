"""What `nnrun explain` knows: a page for each finding, the sections, keys and words of a spec, and what it can name."""

from __future__ import annotations

from pathlib import Path

from nnrun.registry.catalog import FOLDERS, all_of, find
from nnrun.runner.show.sections import names, section_text
from nnrun.runner.show.tables import component_text
from nnrun.runner.show.words import word_text, words

FOLDER = Path(__file__).parents[1] / "errors"


def explanation(what: str) -> str | None:
    """The page of a finding, or what there is to say of all that has that name in a spec; None where nothing has."""
    page = _findings().get(what)
    if page is not None:
        return page.read_text(encoding="utf-8")
    parts = [component_text(cls) for role in FOLDERS if (cls := find(role, what)) is not None]
    return "\n".join([text for text in (section_text(what), *parts, word_text(what)) if text is not None]) or None


def explainable() -> list[str]:
    """All that can be asked for."""
    return list(dict.fromkeys([*_findings(), *names(), *(name for role in FOLDERS for name in all_of(role)), *words()]))


def _findings() -> dict[str, Path]:
    """The pages of what is found in a spec, and in `run/` of what goes wrong when it runs."""
    return {page.stem: page for page in sorted(FOLDER.rglob("*.md"))}
