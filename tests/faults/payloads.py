"""Code that wants to be run: in each place of a spec, its data and a model that somebody once took for code."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.faults.attacks import Attack
from tests.faults.support import check_spec, load_model, model, planted, read_rows, read_spec, sealed, spec

RUN = "touch ../ran"


TABLE = b"x,y\n" + b"a.png,1\na.png,2\n" * 5


class Call:
    """A pickle that calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def pickles() -> dict[str, bytes]:
    import os
    import subprocess

    calls = {
        "system": Call(os.system, RUN),
        "exec": Call(exec, f"import os; os.system({RUN!r})"),
        "eval": Call(eval, f"__import__('os').system({RUN!r})"),
        "popen": Call(subprocess.check_call, RUN.split()),
        "open": Call(open, "../ran", "w"),
    }
    found = {f"{name} {protocol}": pickle.dumps(call, protocol) for name, call in calls.items() for protocol in (0, 4)}
    return found | {"by hand": b"cos\nsystem\n(S'touch ../ran'\ntR."}


TAGS = [
    f"!!python/object/apply:os.system ['{RUN}']",
    f"!!python/object/new:os.system ['{RUN}']",
    "!!python/object/apply:subprocess.Popen [[touch, ../ran]]",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object:builtins.object {}",
    "!!python/tuple [1]",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch ../ran']",
    "!include /etc/passwd",
    "!ENV ${HOME}",
    "!call:os.system {}",
    "!!binary dG91Y2g=",
]
WORDS = [
    f"__import__('os').system('{RUN}')",
    "os.system",
    "torch.nn.Linear",
    "builtins.eval",
    "=cmd|' /C calc'!A0",
    '=WEBSERVICE(\\"http://127.0.0.1\\")',
    "$(touch ../ran)",
    "`touch ../ran`",
    "; touch ../ran",
    "{{ cycler.__init__.__globals__.os.popen('touch ../ran') }}",
    "${jndi:ldap://127.0.0.1/a}",
    "%(system)s",
]
PLACES = {
    "node type": ("type: linear, units: y", "type: {}, units: y"),
    "node option": ("units: y", "units: {}"),
    "activation": ("units: y", "units: y, activation: {}"),
    "loss": ("type: mse", "type: {}"),
    "optimizer": ("type: sgd", "type: {}"),
    "source": ("source: csv", "source: {}"),
    "field type": ("y: {type: number}", "y: {type: {}}"),
    "edges": ("[x -> out]", "[{}]"),
    "weights": ("units: y", "units: y, weights: {}"),
    "seed": ("epochs: 1", "epochs: {}"),
}
FORMULAS = [
    f"__import__('os').system('{RUN}')",
    "x.__class__.__mro__",
    "(lambda: x)()",
    "[x for x in x]",
    "exec(x)",
    "open('../ran', 'w')",
    "x if x else x",
    "f'{x}'",
    "x := 1",
    "getattr(x, 'y')",
    "eval('1')",
    "x[0]",
]


def quoted(word: str) -> str:
    return '"' + word.replace('"', '\\"') + '"' if '\\"' not in word else f'"{word}"'


def packed(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.npy", content)
        archive.writestr("y.npy", content)
    return stream.getvalue()


def as_objects(call: bytes) -> bytes:
    """An array of Python's objects, as NumPy writes it, with another pickle."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (1,)})  # type: ignore[no-untyped-call]
    return stream.getvalue() + call


def payloads() -> list[Attack]:
    """All of them."""
    return list(_payloads())


def _payloads() -> Iterator[Attack]:
    for place, (old, new) in PLACES.items():
        for number, tag in enumerate(TAGS):
            if number % 2 == len(place) % 2:
                yield Attack(f"tag {tag} as {place}", planted(spec().replace(old, new.replace("{}", tag, 1))), check_spec)
        for number, word in enumerate(WORDS):
            if number % 3 != len(place) % 3:
                yield Attack(f"word {word} as {place}", planted(spec().replace(old, new.replace("{}", quoted(word), 1))), check_spec)
    for formula in FORMULAS:
        text = spec().replace("type: linear, units: y", f"type: formula, is: {quoted(formula)}")
        yield Attack(f"formula {formula}", planted(text), check_spec)
    for name, call in pickles().items():
        objects = as_objects(call)
        npz = spec("npz", "file: a.npz")
        yield Attack(f"pickle {name} among arrays", planted(npz, a__npz=packed(objects)), read_spec)
        yield Attack(f"pickle {name} in place of an array", planted(npz, a__npz=packed(call)), read_spec)
        yield Attack(f"pickle {name} in place of an archive", planted(npz, a__npz=call), read_spec)
        yield Attack(f"pickle {name} as a table", planted(spec(), a__csv=call), read_spec)
        yield Attack(f"pickle {name} as Parquet", planted(spec("parquet", "file: a.parquet"), a__parquet=call), read_spec)
        picture = spec(x="{type: image}")
        yield Attack(f"pickle {name} as a picture", planted(picture, a__csv=TABLE, a__png=call), read_spec)
        yield Attack(f"pickle {name} as a tokenizer", planted(spec(x="{type: text, tokens: t.json}"), t__json=call), read_spec)
        yield Attack(f"pickle {name} as weights", sealed(weights__safetensors=call), load_model)
        yield Attack(f"pickle {name} as facts", sealed(facts__json=call), load_model)
        yield Attack(f"pickle {name} as a model's spec", sealed(spec__yaml=call), load_model)
        yield Attack(f"pickle {name} as rows", rows("rows.npz", packed(objects)), read_rows)
        yield Attack(f"pickle {name} as rows of JSON", rows("rows.json", call), read_rows)
    for word in WORDS:
        cells = f'x,y\n"{word}",1\n'.replace('\\"', '""').encode() * 3
        yield Attack(f"cell {word} as a number", planted(spec(), a__csv=cells), read_spec)
        yield Attack(f"cell {word} as a path of a picture", planted(spec(x="{type: image}"), a__csv=cells), read_spec)


def rows(name: str, content: bytes) -> Any:
    def plant(folder: Any) -> None:
        model(folder / "model")
        (folder / name).write_bytes(content)

    return plant
