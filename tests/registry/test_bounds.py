"""How large data may be, and which files are read at all: each bound says itself, what was given, and how to mend it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from nnrun.registry.catalog import Lookup
from nnrun.registry.data import arrays
from nnrun.registry.data.arrays import SMALL
from nnrun.registry.data.files import locate
from nnrun.registry.data.picture_files import FILM, PICTURE
from nnrun.registry.data.reading import LARGEST_JSON, LONGEST, LONGEST_LINE, read_json
from nnrun.registry.fault import Fault
from nnrun.registry.field import DataError, Field
from nnrun.registry.source import Source, SourceError


def load(folder: Path, name: str, columns: Sequence[str] = ("x",), **options: Any) -> Any:
    made = Lookup("source").validate({"source": name, **options})
    assert isinstance(made, Source)
    return made.load(folder, columns)["all"]


def refusal(folder: Path, name: str, **options: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        load(folder, name, **options)
    assert caught.value.help
    return caught.value


def field(type: str, **options: Any) -> Field:
    made = Lookup("field").validate({"type": type, **options})
    assert isinstance(made, Field)
    return made


def refused(config: Field, column: Sequence[Any]) -> str:
    with pytest.raises(DataError) as caught:
        config.encode(column, config.fit(column))
    assert caught.value.help
    return caught.value.message


# Paths


@pytest.mark.parametrize("path", ["~nosuchuser/a.csv", "a\0b.csv", "x" * 5000, "\ud800.csv", "circle/a.csv", "circle"])
def test_what_is_no_path_is_said_to_be_none(tmp_path: Path, path: str) -> None:
    (tmp_path / "circle").symlink_to("circle")

    with pytest.raises(SourceError, match="is no path of a file"):
        locate(tmp_path, path)


@pytest.mark.parametrize("path", ["~nosuchuser/a.csv", "a\0b.csv", "x" * 5000, "circle/a.csv"])
def test_a_glance_at_what_is_no_path_finds_no_file(tmp_path: Path, path: str) -> None:
    (tmp_path / "circle").symlink_to("circle")
    made = Lookup("source").validate({"source": "csv", "file": path})
    assert isinstance(made, Source)

    assert made.glance(tmp_path).missing == (path,)


@pytest.mark.parametrize("source", ["csv", "npz", "parquet", "text"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_only_plain_files_are_read(tmp_path: Path, source: str, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(tmp_path / "a")
    elif kind == "device":
        (tmp_path / "a").symlink_to("/dev/zero")
    else:
        (tmp_path / "a").mkdir()

    assert "where a file is wanted" in refusal(tmp_path, source, file="a").message


def test_a_pipe_among_pictures_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    assert "is a pipe, a socket or a device, where a file is wanted" in refused(field("image"), [str(tmp_path / "a.png")])


def test_a_file_elsewhere_that_is_perhaps_no_table_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("user:hash\n")
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "a.csv").symlink_to("../secret")

    for path in ("../secret", "a.csv"):
        fault = refusal(tmp_path / "spec", "csv", file=path)
        assert "lies outside of the spec's folder" in fault.message
        assert "hash" not in f"{fault.message} {fault.help}"


def test_a_table_elsewhere_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_text("x\n1\n")
    (tmp_path / "spec").mkdir()

    assert load(tmp_path / "spec", "csv", file="../a.data") == {"x": ["1"]}


def test_a_table_in_the_folder_of_the_spec_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("x\n1\n")

    assert load(tmp_path, "csv", file="table") == {"x": ["1"]}


# Texts


@pytest.mark.parametrize("encoding", ["a\0b", "punycode", "idna", "undefined", "hex", "zlib"])
def test_what_is_no_encoding_of_texts_is_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")

    assert "no encoding is called" in refusal(tmp_path, "csv", file="a.csv", encoding=encoding).message


def test_the_byte_that_is_wrong_is_counted_from_the_beginning_of_a_long_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n" + b"1\n" * 100_000 + "é".encode() * 50_000 + b"\xff\n")

    assert "byte 300002 cannot be read" in refusal(tmp_path, "csv", file="a.csv").message


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(1 << 35)

    assert f"line 1 of `{tmp_path}/a.csv` has more than {LONGEST_LINE:,} characters" in refusal(tmp_path, "csv", file="a.csv").message


def test_a_cell_of_many_lines_has_a_bound(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('x\n"' + ("y" * 999 + "\n") * (LONGEST_LINE // 1000 + 1) + '"\n')

    assert f"`a.csv` has more than {LONGEST_LINE:,} characters in a cell" in refusal(tmp_path, "csv", file="a.csv").message


def test_a_text_has_a_bound(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(LONGEST + 1)

    said = refusal(tmp_path, "text", columns=["text"], file="a.txt").message
    assert f"has {LONGEST + 1:,} bytes, where {LONGEST:,} are allowed" in said


def test_a_long_cell_does_not_make_all_others_long(tmp_path: Path) -> None:
    """As an array of texts of one width, these would have 61 x 16 million x 4 bytes: 4 GB."""
    import tracemalloc

    column = ["1.5"] * 60 + ["x" * LONGEST_LINE]
    tracemalloc.start()
    said = refused(field("number"), column)
    (_, peak) = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "in row 61 holds" in f"in {said}"
    assert peak < 100 << 20


def test_the_name_of_a_class_has_a_bound() -> None:
    assert refused(field("category"), ["a", "b" * 1001]) == "row 2 holds a name of 1,001 characters, where 1,000 are allowed"


def test_lists_that_stand_within_each_other_too_deep_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000 + "]" * 100_000)

    with pytest.raises(DataError, match="lists stand within each other too deep"):
        read_json(tmp_path / "a.json")


def test_a_json_file_has_a_bound(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(LARGEST_JSON + 1)

    with pytest.raises(SourceError, match=f"where {LARGEST_JSON:,} are allowed"):
        read_json(tmp_path / "a.json")


# Archives


def test_an_array_that_unpacks_to_many_times_its_size_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(SMALL // 8))  # its heading makes it larger than that

    fault = refusal(tmp_path, "npz", file="a.npz")
    assert "it unpacks from" in fault.message
    assert "`numpy.savez` writes it without packing" in str(fault.help)


def test_the_same_array_is_read_where_its_size_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "SMALL", 1 << 10)
    np.savez(tmp_path / "a.npz", x=np.zeros(1 << 10))

    assert len(load(tmp_path, "npz", file="a.npz")["x"]) == 1 << 10


def packed(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_an_encrypted_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", packed(np.zeros(3)))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[6] |= 1  # of the member's own heading
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # of the table of contents
    (tmp_path / "a.npz").write_bytes(content)

    assert "it is encrypted" in refusal(tmp_path, "npz", file="a.npz").message


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_array_that_is_packed_in_a_foreign_way_is_refused(tmp_path: Path, way: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", compression=way) as archive:
        archive.writestr("x.npy", packed(np.zeros(3)))

    assert "packed in a way that NumPy does not use" in refusal(tmp_path, "npz", file="a.npz").message


@pytest.mark.parametrize(
    "head", ["{'descr': '<U0', 'fortran_order': False, 'shape': (10**12,), }", "(" * 9000, "-" * 9000 + "1", "1 +", "\0"]
)
def test_a_heading_that_lies_is_refused(tmp_path: Path, head: str) -> None:
    text = head.replace("10**12", str(10**12)).encode() + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)

    assert "the array `x` of `a.npz` cannot be read" in refusal(tmp_path, "npz", file="a.npz").message


def test_examples_of_nothing_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((10**9, 0)))

    assert "it says that it holds 1,000,000,000 examples" in refusal(tmp_path, "npz", file="a.npz").message


@pytest.mark.parametrize(
    "column", [pa.array(["a" * 100_000]).take(pa.array([0] * 3000)), pa.array(np.zeros(40_000_000))], ids=["text", "number"]
)
def test_a_column_that_unpacks_to_many_times_its_size_is_refused(tmp_path: Path, column: Any) -> None:
    pq.write_table(pa.table({"x": column}), tmp_path / "a.parquet")

    assert "`a.parquet` unpacks from" in refusal(tmp_path, "parquet", file="a.parquet").message


# Pictures


def test_a_picture_that_only_another_program_reads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow reads EPS by Ghostscript: whatever is called `gs` would be started."""
    ran = tmp_path / "ran"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")

    assert "cannot be read as a picture" in refused(field("image"), [str(tmp_path / "a.png")])
    assert not ran.exists()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_these_pictures_are_read(format: str) -> None:
    stream = BytesIO()
    Image.new("L", (8, 8), 255).save(stream, format)

    assert field("image").fit([stream.getvalue()])["size"] == [8, 8]


def test_a_picture_has_a_bound(tmp_path: Path) -> None:
    side = 1 << 13
    Image.new("1", (side, side + 1)).save(tmp_path / "a.png")

    said = refused(field("image", size=8), [str(tmp_path / "a.png")])
    assert said == f"row 1 holds a picture of 8,192 x 8,193 pixels, where {PICTURE:,} in all are allowed"


def film(folder: Path, side: int, frames: int) -> str:
    images = [Image.new("1", (side, side), frame % 2) for frame in range(frames)]
    images[0].save(folder / "a.tif", save_all=True, append_images=images[1:], compression="group4")
    return str(folder / "a.tif")


def test_a_film_has_a_bound_of_what_is_kept(tmp_path: Path) -> None:
    said = refused(field("video"), [film(tmp_path, 8192, 2)])

    assert said == f"row 1 holds a film of more than {PICTURE:,} pixels to keep, which are allowed"


def test_a_film_has_a_bound_of_what_is_read(tmp_path: Path) -> None:
    said = refused(field("video", size=8), [film(tmp_path, 8192, 5)])

    assert said == f"row 1 holds a film of more than {FILM:,} pixels in all, which are allowed"
