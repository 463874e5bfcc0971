"""Sets of the hub: their columns as other sources give them, their splits as parts, and nothing fetched where nothing may be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from nnrun.registry.catalog import Lookup
from nnrun.registry.data.files import confined
from nnrun.registry.field import DataError
from nnrun.registry.source import Glance, Source, SourceError
from nnrun.registry.sources.hub import Hub
from tests.registry.hub import ClassLabel, Image, Table, stand_in

PICTURE = {"bytes": b"png", "path": "a.png"}
ROWS: dict[str, list[Any]] = {
    "text": ["a", "b"],
    "size": [1.5, None],
    "kind": [1, -1],
    "photo": [PICTURE, {"bytes": None, "path": "a.png"}],
}
FEATURES = {"text": "string", "size": "float32", "kind": ClassLabel(["cat", "dog"]), "photo": Image()}
COLUMNS = list(ROWS)


def source(**options: Any) -> Source:
    made = Lookup("source").validate({"source": "hub", "dataset": "ann/pets", **options})
    assert isinstance(made, Source)
    return made


def texts(*values: str) -> Table:
    return Table(pa.table({"text": list(values)}), {"text": "string"})


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Table]]:
    """The hub; what a test adds to it is there."""
    made: dict[str, dict[str, Table]] = {}
    monkeypatch.setitem(sys.modules, "datasets", stand_in(made))
    return made


def test_columns_come_as_other_sources_give_them(sets: dict[str, dict[str, Table]], tmp_path: Path) -> None:
    sets["ann/pets"] = {"train": Table(pa.table(ROWS), FEATURES)}
    table = source().load(tmp_path, COLUMNS, ["photo"])["all"]

    assert (table["text"], table["kind"]) == (["a", "b"], ["dog", None])
    assert [str(number) for number in table["size"]] == ["1.5", "nan"]
    assert table["photo"] == [PICTURE, str(tmp_path / "a.png")]


def test_the_real_package_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    features = {
        "text": datasets.Value("string"),
        "size": datasets.Value("float32"),
        "kind": datasets.ClassLabel(names=["cat", "dog"]),
        "photo": datasets.Image(),
    }
    rows = datasets.Dataset.from_dict(ROWS, features=datasets.Features(features))
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: datasets.DatasetDict({"train": rows}))

    table = source().load(tmp_path, COLUMNS, ["photo"])["all"]
    assert (table["text"], table["kind"]) == (["a", "b"], ["dog", None])
    assert [str(number) for number in table["size"]] == ["1.5", "nan"]
    assert table["photo"] == [PICTURE, str(tmp_path / "a.png")]


def test_splits_are_parts_by_their_names(sets: dict[str, dict[str, Table]], tmp_path: Path) -> None:
    sets["ann/pets"] = {"train": texts("a"), "validation": texts("b"), "test": texts("c"), "unsupervised": texts("d")}
    chosen = source(splits={"train": "unsupervised", "test": "validation"})

    assert source().load(tmp_path, ["text"]) == {"train": {"text": ["a"]}, "valid": {"text": ["b"]}, "test": {"text": ["c"]}}
    assert chosen.load(tmp_path, ["text"]) == {"train": {"text": ["d"]}, "test": {"text": ["b"]}}


def test_configuration_and_revision_are_handed_on(sets: dict[str, dict[str, Table]], tmp_path: Path) -> None:
    sets["ann/pets:large@v2"] = {"all": texts("a")}

    assert source(config="large", revision="v2").load(tmp_path, ["text"]) == {"all": {"text": ["a"]}}


def test_a_set_without_a_train_split_is_refused(sets: dict[str, dict[str, Table]], tmp_path: Path) -> None:
    sets["ann/pets"] = {"first": texts("a"), "second": texts("b")}
    with pytest.raises(DataError, match="has no split `train`, only `first`, `second`") as caught:
        source().load(tmp_path, ["text"])

    assert caught.value.help == "name the parts: `splits: {train: NAME, test: NAME}`"


def test_a_column_that_is_not_there_is_named(sets: dict[str, dict[str, Table]], tmp_path: Path) -> None:
    sets["ann/pets"] = {"train": texts("a")}
    with pytest.raises(DataError, match="`ann/pets` has no column `label`, only `text`"):
        source().load(tmp_path, ["label"])


@pytest.mark.usefixtures("sets")
def test_no_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        source().load(tmp_path, ["text"])

    assert caught.value.message == ("`ann/pets` cannot be had from the hub: Couldn't reach 'ann/pets' on the Hub (LocalEntryNotFoundError)")
    assert "with a network" in (caught.value.help or "")


def test_a_missing_package_is_named_with_the_command_that_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as Python marks a module that cannot be imported
    with pytest.raises(SourceError, match="`hub` needs the package datasets, which is not installed") as caught:
        source().load(tmp_path, ["text"])

    assert caught.value.help == 'pip install "nnrun[hub]"'


def test_a_folder_here_is_not_taken_for_the_set(sets: dict[str, dict[str, Table]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets["ann/pets"] = {"train": texts("a")}
    (tmp_path / "ann" / "pets").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SourceError, match="`ann/pets` is also a file or folder here"):
        source().load(tmp_path, ["text"])


def test_a_look_and_a_spec_that_is_not_trusted_reach_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert source().glance(tmp_path) == Glance()
    assert source().columns() is None

    with confined(tmp_path), pytest.raises(SourceError, match="a spec that is not trusted fetches nothing"):
        source().load(tmp_path, ["text"])


@pytest.mark.parametrize("name", ["csv", "imagefolder", "../pets", "a/../b", "/etc/passwd", "a/b/c", "hf://a/b"])
def test_only_names_of_the_hub_are_taken(name: str) -> None:
    with pytest.raises(ValidationError, match="dataset"):
        Hub.model_validate({"source": "hub", "dataset": name})
