"""Two ways to read a CSV file: Arrow's gives what reading row by row gives, or leaves the file to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nnrun.registry.data.columns import parse_numbers
from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.registry.sources.csv import Csv

CELLS = st.text(alphabet='ab1.5-+e_ ,;"\r\n\0\ufeffäéx', max_size=5) | st.floats().map(repr) | st.integers().map(str)
FILES = st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join), min_size=1, max_size=6).map("\n".join)


def read(source: Csv, file: Path, way: str) -> Any:
    """The columns, or what was wrong."""
    try:
        return getattr(source, way)(file, ["a", "b"])
    except (DataError, SourceError) as error:
        return str(error)


@given(FILES, st.sets(st.sampled_from(["a", "b"])), st.booleans())
@example("1.5,x\n2,y", {"a"}, True)
@example("1.5,x\n\n2,y\n", {"a"}, True)
@example("0x10,1_0\n2,3", {"a", "b"}, True)
@example("nan,inf\n2,3", {"a", "b"}, True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
def test_both_ways_agree(tmp_path: Path, text: str, numbers: set[str], ends: bool) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(("a,b\n" + text + "\n" * ends).encode())
    source = Csv.model_validate({"source": "csv", "file": "table.csv"}).expecting(numbers)
    quick, wanted = read(source, file, "_at_once"), read(source, file, "_row_by_row")

    if quick is None:
        return
    assert list(quick) == list(wanted)
    for name in quick:
        if name in numbers:
            assert quick[name].tolist() == parse_numbers(wanted[name]).values.tolist()
        else:
            assert quick[name] == wanted[name]


@pytest.mark.parametrize("text", ["a,b\n1,x\n2.5,y\n", "b;a\nx;1\ny;2.5", "a,c,b\n1,1,x\n2.5,,y\n"])
def test_a_plain_file_is_read_at_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    source = Csv.model_validate({"source": "csv", "file": "table.csv", "delimiter": ";" if ";" in text else ","}).expecting({"a"})
    quick = read(source, tmp_path / "table.csv", "_at_once")

    assert isinstance(quick["a"], np.ndarray)
    assert quick["a"].tolist() == [1.0, 2.5]
    assert quick["b"] == ["x", "y"]
