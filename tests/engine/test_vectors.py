"""A node starts from the vectors of a file: in a fresh training, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from nnrun.registry.fault import Fault
from nnrun.runner.display import Display
from nnrun.runner.engine.checkpoint import model
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.prepare import prepared
from nnrun.runner.job import Job
from nnrun.runner.reading import read
from nnrun.runner.smoke import smoke
from nnrun.runner.tracking.store import Store

SPEC = """
nnrun: 1
name: words
data:
  source: csv
  file: words.csv
  fields: {text: {type: text}, port: {type: category}, label: {type: category}}
nodes:
  embed: {type: embedding, units: 2, init: {file: vectors.txt, others: zeros}, freeze: true}
  where: {type: embedding, units: 2, init: {file: vectors.txt, others: zeros}}
  last: {type: last}
  scores: {type: linear, units: label}
edges: [text -> embed -> last -> scores, port -> where -> scores]
train: {loss: {type: cross_entropy, input: scores, target: label}, epochs: 1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"{('good film', 'bad')[number % 2]},{('north', 'south')[number % 2]},{number % 2}" for number in range(20)]
    (tmp_path / "words.csv").write_text("\n".join(["text,port,label", *rows]) + "\n")
    (tmp_path / "vectors.txt").write_text("good 1 2\nsouth 3 4\nnobody 5 6\n")
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def begun(folder: Path, *settings: str) -> tuple[Network, Dataset, str]:
    """A network as its training begins, its data, and what was said."""
    said = io.StringIO()
    checked, data, _ = read(Job.read(folder / "spec.yaml", settings), Display(Console(file=said, width=200)))
    assert checked.plan is not None
    network, _ = prepared(checked.plan, Store("sqlite:///none"), data.ticks, vectors=data.vectors)
    return network, data, said.getvalue()


def rows_of(network: Network, node: str, data: Dataset, field: str) -> dict[str, list[float]]:
    facts = data.facts[field]
    names = facts.get("vocabulary") or facts["classes"]
    return dict(zip(names, network.runs[node].get_parameter("weight").tolist(), strict=True))


def test_symbols_start_from_the_file_by_their_names(folder: Path) -> None:
    network, data, said = begun(folder)

    assert {name: row for name, row in rows_of(network, "embed", data, "text").items() if any(row)} == {"good": [1.0, 2.0]}
    assert rows_of(network, "where", data, "port") == {"north": [0.0, 0.0], "south": [3.0, 4.0]}
    assert "`embed`: 1 of 7 symbols of `text` start from `vectors.txt`, the others by `zeros`" in said
    assert "`where`: 1 of 2 symbols of `port` start from `vectors.txt`, the others by `zeros`" in said
    assert [network.runs[name].get_parameter("weight").requires_grad for name in ("embed", "where")] == [False, True]


def test_runs_are_equal_only_if_what_they_took_of_the_file_is(folder: Path) -> None:
    digests = [begun(folder)[1].digest]
    for text in ("south 3 4\ngood 1 2\n", "good 1 2.5\nsouth 3 4\n", "good 1 2\n north 3 4\nsouth 3 4\n"):
        (folder / "vectors.txt").write_text(text)
        digests.append(begun(folder)[1].digest)

    assert digests[1] == digests[0], "what no symbol took, and in which order it stands, does not matter"
    assert digests[2] != digests[0]
    assert begun(folder, "nodes.embed.init=zeros", "nodes.where.init=zeros")[1].digest not in digests


def test_vectors_of_another_size_are_refused_at_the_option_that_names_them(folder: Path) -> None:
    with pytest.raises(Fault, match=r"`vectors.txt` holds vectors of 2 numbers, where 3 units are wanted") as raised:
        begun(folder, "nodes.embed.units=3")

    assert (raised.value.path, raised.value.help) == (("nodes", "embed", "init"), "write `units: 2`")


def test_a_file_that_is_not_there_is_said_by_the_check_and_ends_a_run(folder: Path) -> None:
    (folder / "vectors.txt").unlink()
    report = Job.read(folder / "spec.yaml").checked.report

    assert [(finding.id, finding.severity) for finding in report] == [("missing-file", "warning")] * 2
    with pytest.raises(Fault, match=r"`vectors.txt` does not exist"):
        begun(folder)


def test_neither_a_trial_nor_a_trained_network_asks_for_the_file(folder: Path) -> None:
    network, data, _ = begun(folder)
    (folder / "vectors.txt").unlink()
    model.save(folder / "model", network, data.facts)
    loaded = model.load(folder / "model").network

    assert smoke(Job(SPEC).checked) is None
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in network.state_dict().items())
