"""Arrow columns made without pandas are those that pyarrow makes."""

import subprocess
import sys

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnrun.registry.data.columns import from_arrow
from nnrun.runner.engine.inference import arrow

LOADED = """
import sys, io
import numpy as np
from pyarrow import parquet
from nnrun.registry.data.columns import from_arrow
from nnrun.runner.engine.inference import arrow
table = arrow.table({'a': np.arange(3.0), 'b': ['x', None, 'y'], 'c': [[1.0], None, [2.0]]})
parquet.write_table(table.take(arrow.column(np.array([2, 0]))), io.BytesIO())
from_arrow(table['a'])
print('pandas' in sys.modules)
"""


def columns(kind):
    values = st.lists(st.none() | kind, max_size=8)
    return values | st.lists(st.none() | st.lists(st.none() | kind, max_size=4), max_size=8)


@given(columns(st.floats()) | columns(st.integers(-(2**62), 2**62)) | columns(st.text()) | columns(st.booleans()))
def test_a_column_is_that_of_pyarrow(values):
    mine, theirs = arrow.column(values), pyarrow.array(values)
    mine.validate(full=True)
    assert mine.type == theirs.type
    assert repr(mine.to_pylist()) == repr(theirs.to_pylist())  # not-a-number is not equal to itself


@pytest.mark.parametrize("kind", ["f4", "f8", "i8", "u1", "?"])
def test_an_array_keeps_its_numbers(kind):
    values = np.arange(12).astype(kind)
    assert arrow.column(values).equals(pyarrow.array(values))
    assert arrow.column(values[::2]).equals(pyarrow.array(values[::2]))
    assert arrow.column(list(values.reshape(4, 3))).to_pylist() == values.reshape(4, 3).tolist()


@pytest.mark.parametrize("values", [[1, 2.5], [2.5, None, 1]])
def test_whole_numbers_among_others_are_numbers(values):
    assert arrow.column(values).equals(pyarrow.array(values, pyarrow.float64()))


def test_numbers_of_several_chunks_are_one_array():
    chunks = pyarrow.chunked_array([[1.0, 2.0], [], [3.0]], pyarrow.float64())
    assert from_arrow(chunks).tolist() == [1.0, 2.0, 3.0]


def test_pandas_is_not_loaded():
    assert subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout == "False\n"
