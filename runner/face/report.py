"""What a check found."""

from __future__ import annotations

from collections.abc import Iterator

from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.text.diagnostic import Diagnostic
from nnrun.runner.compiler.text.render import as_dict
from nnrun.runner.face.printed import findings_html, findings_text, preformatted


class Report:
    """All findings about a spec. True if none is an error; prints as `nnrun check` does."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    def __bool__(self) -> bool:
        return self.checked.report.ok

    def __len__(self) -> int:
        return len(self.checked.report)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.checked.report)

    @property
    def findings(self) -> list[dict[str, object]]:
        """Plain values, as `nnrun check --json` prints them: file, line, column, id, headline, help."""
        return [as_dict(finding, self.checked.document) for finding in self.checked.report]

    def __str__(self) -> str:
        return findings_text(self.checked) if len(self) else f"{self.checked.document.text.name}: fine"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return findings_html(self.checked) if len(self) else preformatted(str(self))
