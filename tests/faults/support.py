"""A small spec with its data, and what a user does with what a stranger sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnrun.registry.data.files import confined
from nnrun.runner.job import Job

SPEC = """
nnrun: 1
name: sent
data:
  source: {source}
  {where}
  fields:
    x: {x}
    y: {{type: number}}
nodes:
  out: {{type: linear, units: y}}
edges: [{edges}]
train:
  loss: {{type: mse, input: out, target: y}}
  optimizer: {{type: sgd, lr: 0.1}}
  epochs: 1
"""
EDGES = {"image": "x -> flat -> out", "text": "x -> embed -> end -> out", "category": "x -> hot -> out"}
MORE = {
    "image": "  flat: {type: flatten}\n",
    "text": "  embed: {type: embedding, units: 2}\n  end: {type: last}\n",
    "category": "  hot: {type: one_hot}\n",
}


def spec(source: str = "csv", where: str = "file: a.csv", x: str = "{type: number}") -> str:
    kind = next((kind for kind in EDGES if f"type: {kind}" in x), "")
    text = SPEC.format(source=source, where=where, x=x, edges=EDGES.get(kind, "x -> out"))
    return text.replace("nodes:\n", "nodes:\n" + MORE.get(kind, ""))


def sound(folder: Path) -> None:
    """A spec and its data, with nothing wrong."""
    (folder / "spec.yaml").write_text(spec())
    (folder / "a.csv").write_text("x,y\n" + "".join(f"{row},{row % 3}\n" for row in range(20)))


def planted(text: str, **files: bytes | Callable[[Path], None]) -> Callable[[Path], None]:
    """A spec with files beside it; a name's `__` is a point."""

    def plant(folder: Path) -> None:
        sound(folder)
        (folder / "spec.yaml").write_bytes(text.encode("utf-8", errors="surrogatepass"))
        for name, content in files.items():
            place = folder / name.replace("__", ".")
            place.unlink(missing_ok=True)
            if callable(content):
                content(place)
            else:
                place.write_bytes(content)

    return plant


class Silent:
    """A display that shows nothing."""

    def say(self, text: str, style: str | None = None) -> None:
        pass


def read_spec(folder: Path) -> str:
    """Check a spec and read its data, as a run does. Raises: SpecErrors, Fault."""
    from nnrun.runner.reading import read

    read(Job.read(folder / "spec.yaml"), Silent())  # type: ignore[arg-type]
    return ""


def read_confined(folder: Path) -> str:
    """The same of a spec that is not trusted."""
    with confined(folder):
        return read_spec(folder)


def check_spec(folder: Path) -> str:
    """Check a spec alone: its findings."""
    return " ".join(Job.read(folder / "spec.yaml").checked.report.ids)


def read_rows(folder: Path) -> str:
    """What `predict` does with a file of rows."""
    from nnrun.runner.answers.rows import read_columns
    from nnrun.runner.engine.inference.predict import Predictor

    (file,) = (file for file in folder.iterdir() if file.stem == "rows")
    predictor = Predictor.load(folder / "model")
    predictor.ask(read_columns(file, predictor))
    return ""


def load_model(folder: Path) -> str:
    from nnrun.runner.engine.checkpoint.model import load

    load(folder / "model")
    return ""


def model(folder: Path) -> None:
    """The folder of a network, as a run leaves it."""
    from nnrun.runner.engine.checkpoint.model import save
    from nnrun.runner.engine.network.network import Network
    from nnrun.runner.reading import read

    sound(folder.parent)
    checked, data, _ = read(Job.read(folder.parent / "spec.yaml"), Silent())  # type: ignore[arg-type]
    assert checked.plan is not None
    save(folder, Network(checked.plan), data.facts)


def sealed(**files: bytes) -> Callable[[Path], None]:
    """A network whose files hold something else, with a manifest that is right in itself; a name's `__` is a point."""

    def plant(folder: Path) -> None:
        model(folder / "model")
        for name, content in files.items():
            (folder / "model" / name.replace("__", ".")).write_bytes(content)
        seal(folder / "model")

    return plant


def seal(folder: Path, **said: Any) -> None:
    names = ("spec.yaml", "facts.json", "weights.safetensors")
    manifest = {"format": 2, "torch": "2", "files": {name: _digest((folder / name).read_bytes()) for name in names}, **said}
    (folder / "MANIFEST.json").write_text(json.dumps({**manifest, "sha256": _digest(json.dumps(manifest).encode())}, indent=1))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
