"""What the terminal shows, as a text or as HTML."""

from __future__ import annotations

import html
import io

from rich.console import Console, RenderableType

from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.text.render import render_text
from nnrun.runner.show.seen import Visible

WIDTH = 120
"""Columns, as in a pipe."""

COLOURS = {"error": "#c62828", "warning": "#b26a00", "note": "#1565c0", "help": "#2e7d32", "line": "#888888"}
"""Of the parts of a finding, by role."""

OPEN, CLOSE = "\x02", "\x03"
"""Stand for tags while the text is escaped; findings hold no control characters."""


def printed(renderable: RenderableType) -> str:
    """A table as a text."""
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, highlight=False, color_system=None)
    console.push_render_hook(Visible())
    console.print(renderable)
    return stream.getvalue()


def findings_text(checked: Checked) -> str:
    return render_text(checked.report, checked.document)


def findings_html(checked: Checked) -> str:
    marked = render_text(checked.report, checked.document, lambda part, role: f"{OPEN}{role};{part}{CLOSE}")
    text = html.escape(marked, quote=False).replace(CLOSE, "</span>")
    for role, colour in COLOURS.items():
        text = text.replace(f"{OPEN}{role};", f'<span style="color:{colour}">')
    return preformatted(text)


def preformatted(escaped: str) -> str:
    """HTML that keeps columns where they are."""
    return f'<pre style="line-height:1.3">{escaped}</pre>'
