"""A little that wants to become very much."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from tests.faults.attacks import Attack
from tests.faults.payloads import rows
from tests.faults.support import check_spec, load_model, planted, read_rows, read_spec, sealed, spec

GIGA = 10**9


def heading(descr: str, shape: str) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def archive(content: bytes, way: int = zipfile.ZIP_STORED, zeros: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression=way) as made:
        for name in ("x", "y"):
            with made.open(f"{name}.npy", "w") as member:
                member.write(content)
                for _ in range(zeros if name == "x" else 0):
                    member.write(bytes(1 << 20))
    return stream.getvalue()


def png(width: int, height: int, depth: int = 8, rows: int = 0) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    packer = zlib.compressobj()
    body = b"".join(packer.compress(bytes(width + 1)) for _ in range(rows)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def tiff(width: int, height: int) -> bytes:
    said = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 278: height}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in said.items())
    return b"II*\0" + struct.pack("<IH", 8, len(said)) + entries + bytes(4)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(../ran) (w) file\n%%EOF\n"
PICTURES = {
    "png 12000": png(12_000, 12_000, rows=12_000),
    "png 60000": png(60_000, 60_000),
    "png of 2**31": png(2**31 - 1, 2**31 - 1),
    "png flat": png(2**30, 1),
    "png of bits": png(30_000, 30_000, 1, rows=100),
    "gif 65535": gif(65_535, 65_535, 1),
    "bmp 50000": bmp(50_000, 50_000),
    "bmp turned": bmp(50_000, -50_000),
    "tiff 50000": tiff(50_000, 50_000),
    "ppm 100000": b"P6 100000 100000 255\n",
    "pgm of zeros": b"P5 99999 99999 255\n" + bytes(1000),
    "eps": EPS,
    "eps in disguise": b"\xc5\xd0\xd3\xc6" + struct.pack("<IIIIIIH", 30, len(EPS), 0, 0, 0, 0, 0xFFFF) + EPS,
    "icns": b"icns" + struct.pack(">I", 2**31 - 1),
    "psd": b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 30000, 30000, 8, 3),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>',
    "jpeg 65000": b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 65_000, 65_000) + b"\x03\x01\x11\0\x02\x11\x01\x03\x11\x01\xff\xd9",
}
FILMS = {"gif of frames": gif(4000, 4000, 400), "gif of many frames": gif(512, 512, 5000)}
ARRAYS = {
    "zeros": archive(heading("<f8", "(100000000,)"), zipfile.ZIP_DEFLATED, zeros=300),
    "bzip2": archive(heading("<f8", "(100000000,)"), zipfile.ZIP_BZIP2, zeros=3),
    "lzma": archive(heading("<f8", "(100000000,)"), zipfile.ZIP_LZMA, zeros=3),
    "a lying heading": archive(heading("<f8", f"({GIGA},)")),
    "a heading of 10**18": archive(heading("<f8", f"({10**18},)")),
    "a heading of nothing": archive(heading("<U0", f"({10**12},)")),
    "examples of nothing": archive(heading("<f8", f"({10**12}, 0)")),
    "wide texts": archive(heading(f"<U{GIGA}", "(5,)")),
    "wide bytes": archive(heading(f"|V{2**31 - 1}", "(5,)")),
    "less than nothing": archive(heading("<f8", "(-5,)")),
    "axes": archive(heading("<f8", "(" + "1," * 4000 + ")")),
    "brackets": archive(heading("<f8", "(" * 4000)),
    "signs": archive(heading("<f8", "(" + "-" * 8000 + "1,)")),
    "an archive in an archive": archive(archive(archive(b"x"))),
    "cut off": archive(heading("<f8", "(5,)"))[:60],
}


def laughs() -> str:
    levels = (f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    return "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(levels)


YAML = {
    "laughs": laughs(),
    "merges": "a0: &a0 {k: v}\n" + "".join(f"a{n + 1}: &a{n + 1} {{<<: [{', '.join([f'*a{n}'] * 9)}]}}\n" for n in range(9)),
    "brackets": "[" * 200_000,
    "braces": "{" * 100_000,
    "depth": "".join(" " * n + "a:\n" for n in range(3000)),
    "dashes": "- " * 100_000,
    "a long word": spec().replace("name: sent", f"name: {'x' * 3_000_000}"),
    "many nodes": spec().replace("nodes:\n", "nodes:\n" + "".join(f"  n{n}: {{type: linear, units: 1}}\n" for n in range(150_000))),
    "a circle": "a: &a [*a]\n",
    "questions": "? " * 50_000,
    "tags": "!!map " * 50_000,
    "a deep formula": spec().replace("type: linear, units: y", f"type: formula, is: {'(' * 50_000}"),
    "a long formula": spec().replace("type: linear, units: y", f"type: formula, is: {'-' * 20_000}x"),
    "a power": spec().replace("type: linear, units: y", "type: formula, is: 9**9**9**9"),
    "a long number": spec().replace("epochs: 1", f"epochs: {'9' * 100_000}"),
    "a number of powers": spec().replace("epochs: 1", "epochs: 1e999999999"),
    "sixty": spec().replace("epochs: 1", "epochs: " + ":".join(["59"] * 5000)),
}
DEEP = b"[" * 100_000 + b"]" * 100_000
TENSOR = b'{"w":{"dtype":"F32","shape":[999999,999999],"data_offsets":[0,3999992000004]}}'
MODELS = {
    "a long heading": {"weights__safetensors": (2**62).to_bytes(8, "little") + b"{}"},
    "a heading of 99 MB": {"weights__safetensors": (99_000_000).to_bytes(8, "little") + b"{"},
    "a large tensor": {"weights__safetensors": len(TENSOR).to_bytes(8, "little") + TENSOR},
    "a deep heading": {"weights__safetensors": len(DEEP).to_bytes(8, "little") + DEEP},
    "deep facts": {"facts__json": DEEP},
    "a large network": {"spec__yaml": spec().replace("units: y", "units: 2000000000").encode()},
    "laughs": {"spec__yaml": YAML["laughs"].encode()},
}


def sparse(size: int) -> Callable[[Path], None]:
    """A file of zeros that takes no room on the disk."""

    def make(place: Path) -> None:
        with place.open("wb") as file:
            file.truncate(size)

    return make


def parquet(kind: str, place: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "numbers": lambda: pa.table({"x": pa.array(np.zeros(34_000_000)), "y": pa.array(np.zeros(34_000_000))}),
        "texts": lambda: pa.table({"x": pa.array(["1" * 1_000_000]).take(pa.array([0] * 300)), "y": pa.array([1] * 300)}),
    }
    pq.write_table(columns[kind](), place, compression="zstd")


def bombs() -> list[Attack]:
    """All of them."""
    return list(_bombs())


def _bombs() -> Iterator[Attack]:
    for name, text in YAML.items():
        yield Attack(f"YAML of {name}", planted(text), check_spec)
    for name, content in ARRAYS.items():
        yield Attack(f"arrays: {name}", planted(spec("npz", "file: a.npz"), a__npz=content), read_spec)
    cells = b"x,y\n" + b"a.png,1\na.png,2\n" * 3
    for name, content in PICTURES.items():
        yield Attack(f"picture: {name}", planted(spec(x="{type: image}"), a__csv=cells, a__png=content), read_spec)
        yield Attack(f"picture made small: {name}", planted(spec(x="{type: image, size: 8}"), a__csv=cells, a__png=content), read_spec)
    film = spec(x="{type: video, size: 8}").replace("x -> out", "x -> flat -> end -> out")
    film = film.replace("nodes:\n", "nodes:\n  flat: {type: flatten}\n  end: {type: last}\n")
    for name, content in FILMS.items():
        yield Attack(f"film: {name}", planted(film, a__csv=cells, a__png=content), read_spec)
    for name, files in MODELS.items():
        yield Attack(f"model with {name}", sealed(**files), load_model)
    for kind in ("numbers", "texts"):
        yield Attack(f"Parquet of {kind}", planted(spec("parquet", "file: a.parquet"), a__parquet=partial(parquet, kind)), read_spec)
    texts = b"x,y\n" + b"1,2\n" * 60
    yield Attack("a table of one long cell", planted(spec(), a__csv=texts + b"7" * 50_000_000 + b",3\n"), read_spec)
    yield Attack("a table of a long number", planted(spec(), a__csv=texts + b"7" * 12_000_000 + b",3\n"), read_spec)
    yield Attack("a table of a long name", planted(spec(x="{type: category}"), a__csv=texts + b"7" * 12_000_000 + b",3\n"), read_spec)
    yield Attack("a table of a long line", planted(spec(), a__csv=b"x,y\n" + b"," * 20_000_000), read_spec)
    yield Attack("a table of zeros", planted(spec(), a__csv=sparse(1 << 35)), read_spec)
    yield Attack("a text of zeros", planted(spec("text", "file: a.csv", "{type: text, column: text}"), a__csv=sparse(1 << 35)), read_spec)
    yield Attack("a tokenizer of zeros", planted(spec(x="{type: text, tokens: t.json}"), t__json=sparse(1 << 35)), read_spec)
    yield Attack("a deep tokenizer", planted(spec(x="{type: text, tokens: t.json}"), t__json=DEEP), read_spec)
    yield Attack("deep rows", rows("rows.json", DEEP), read_rows)
    yield Attack("deep cells", rows("rows.json", b'[{"x": ' + DEEP + b"}]"), read_rows)
    yield Attack("rows of zeros", rows("rows.npz", ARRAYS["zeros"]), read_rows)
    yield Attack("a row of a long number", rows("rows.json", b'[{"x": ' + b"9" * 10_000_000 + b"}]"), read_rows)
