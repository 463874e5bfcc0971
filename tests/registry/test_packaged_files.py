"""Files that installed packages ship, as a spec names them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from nnrun.registry.data.files import confined, existing
from nnrun.registry.source import SourceError


def test_a_file_is_found_by_its_package_and_its_place_there(tmp_path: Path) -> None:
    assert existing(tmp_path, "package:click/click/core.py") == Path(str(click.__file__)).resolve().parent / "core.py"


@pytest.mark.parametrize(
    ("path", "said", "help"),
    [
        (
            "package:nobody-has-this/a.json",
            "`package:nobody-has-this/a.json` needs the package nobody-has-this",
            "pip install nobody-has-this",
        ),
        ("package:click/click/none.json", "the package click ships no file `click/none.json`", "`pip show --files click` lists those"),
        ("package:click/../click/click/core.py", "the package click ships no file", "`pip show --files click` lists those"),
        ("package:click", "`package:click` is no path into a package", "write `package:NAME/PATH`"),
        ("package:../click/core.py", "is no path into a package", "write `package:NAME/PATH`"),
    ],
)
def test_what_is_not_there_is_told(path: str, said: str, help: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        existing(tmp_path, path)

    assert said in raised.value.message
    assert str(raised.value.help).startswith(help)


def test_a_spec_that_is_not_trusted_reads_no_package(tmp_path: Path) -> None:
    with confined(tmp_path), pytest.raises(SourceError, match="data may be read from"):
        existing(tmp_path, "package:click/click/core.py")
