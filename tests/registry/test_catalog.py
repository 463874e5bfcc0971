"""Components are found by name, and no more is imported for that than must be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nnrun.registry.catalog import FOLDERS, all_of
from tests.tracking.support import ROOT


@pytest.mark.parametrize("role", FOLDERS)
def test_the_file_of_a_component_says_its_name(role: str) -> None:
    for name, cls in all_of(role).items():
        text = Path(str(sys.modules[cls.__module__].__file__)).read_text()

        assert f'Literal["{name}"]' in text


def test_only_the_file_of_a_component_is_imported() -> None:
    script = (
        "import sys; from nnrun.registry.catalog import find\n"
        "assert find('node', 'add').type_name() == 'add'\n"
        "assert find('node', 'no_such') is None\n"
        "print(*(name.rpartition('.')[2] for name in sys.modules if name.startswith('nnrun.registry.nodes.')))"
    )

    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True) == "merge\n"
