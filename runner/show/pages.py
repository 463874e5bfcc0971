"""What `nnrun explain` knows: a page for each finding, the sections and keys of a spec, and what it can name."""

from __future__ import annotations

from pathlib import Path

from nnrun.registry.catalog import FOLDERS, all_of, find
from nnrun.runner.show.sections import names, section_text
from nnrun.runner.show.tables import component_text

FOLDER = Path(__file__).parents[1] / "errors"


def explanation(what: str) -> str | None:
    """The page of a finding, or what there is to say of all sections, keys and components of that name; None where nothing is called so."""
    page = _findings().get(what)
    if page is not None:
        return page.read_text(encoding="utf-8")
    parts = [component_text(cls) for role in FOLDERS if (cls := find(role, what)) is not None]
    section = section_text(what)
    return "\n".join([*([section] if section is not None else []), *parts]) or None


def explainable() -> list[str]:
    """All that can be asked for."""
    return list(dict.fromkeys([*_findings(), *names(), *(name for role in FOLDERS for name in all_of(role))]))


def _findings() -> dict[str, Path]:
    """The pages of what is found in a spec, and in `run/` of what goes wrong when it runs."""
    return {page.stem: page for page in sorted(FOLDER.rglob("*.md"))}
