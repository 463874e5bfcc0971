"""Runs are found by what people have at hand: an id, its beginning, a name, an experiment."""

from __future__ import annotations

import re

import pytest
from mlflow import MlflowClient

from nnrun.runner.tracking.runs import RunNotFound, find_run, model_folder
from nnrun.runner.tracking.store import Store
from tests.tracking.support import Recorded


@pytest.fixture
def runs(store: Store) -> dict[str, str]:
    """Ids of some runs of an experiment called `it's xor`, in the order of their start."""
    client = MlflowClient(store.uri)
    experiment, ids = client.create_experiment("it's xor"), {}
    for start, (name, status) in enumerate({"old": "FINISHED", "new": "FINISHED", "dead": "KILLED", "twin": "FAILED"}.items()):
        ids[name] = client.create_run(experiment, start_time=start + 1, run_name=name).info.run_id
        client.set_terminated(ids[name], status)
    client.create_run(experiment, start_time=9, run_name="twin")
    return ids


def test_a_run_is_found_by_its_id(store: Store, runs: dict[str, str]) -> None:
    assert find_run(store, runs["dead"]).name == "dead"


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store, runs: dict[str, str]) -> None:
    assert find_run(store, runs["old"][:12]).name == "old"


def test_a_run_is_found_by_its_name(store: Store, runs: dict[str, str]) -> None:
    assert find_run(store, "old").run_id == runs["old"]


def test_a_run_is_found_by_the_letters_at_the_end_of_its_name(store: Store, runs: dict[str, str]) -> None:
    client = MlflowClient(store.uri)
    run = client.create_run(client.get_run(runs["old"]).info.experiment_id, run_name="lr=0.1 · wizc").info.run_id

    assert find_run(store, "wizc").run_id == run
    assert find_run(store, "lr=0.1 · wizc").run_id == run


@pytest.mark.parametrize(
    "name", [*"'\"`;%\\", 'it\'s "odd"', "a' OR 'a' = 'a", "a -- b", "/* a", "two\nlines", "[x]", "ä·", "a\\'b\"", " a "]
)
def test_a_name_may_have_any_signs(store: Store, name: str) -> None:
    client = MlflowClient(store.uri)
    experiment = client.create_experiment("xor")
    client.create_run(experiment, run_name=name.translate({34: 39, 39: 34}) + "x")
    client.create_run(experiment, run_name=f"x{name}")
    run = client.create_run(experiment, run_name=name).info.run_id

    assert find_run(store, name).run_id == run
    with pytest.raises(RunNotFound):
        find_run(store, name + "'\"")


def test_an_experiment_stands_for_its_latest_finished_run(store: Store, runs: dict[str, str]) -> None:
    assert find_run(store, "it's xor").run_id == runs["new"]


def test_a_name_of_two_runs_is_no_name(store: Store, runs: dict[str, str]) -> None:
    with pytest.raises(RunNotFound, match=f"`twin` names 2 runs: .*{runs['twin']}") as error:
        find_run(store, "twin")

    assert error.value.help == "more characters of the id make it one"


def test_what_is_not_there_is_said_with_what_is(store: Store, runs: dict[str, str]) -> None:
    message = f"no run and no experiment at `{store.uri}` is called `cafe0123`"
    with pytest.raises(RunNotFound, match=re.escape(message)) as error:
        find_run(store, "cafe0123")

    assert str(error.value.help).startswith("the latest run is `twin`, ")


def test_an_experiment_without_a_finished_run_says_so(store: Store) -> None:
    MlflowClient(store.uri).create_run(MlflowClient(store.uri).create_experiment("xor"))

    with pytest.raises(RunNotFound, match="experiment `xor` has no finished run among its latest: RUNNING"):
        find_run(store, "xor")


def test_a_run_without_a_model_says_so(store: Store, runs: dict[str, str]) -> None:
    with pytest.raises(RunNotFound, match="run `dead` has no model `model`; its status is KILLED"):
        model_folder(store, runs["dead"])


def test_the_model_of_a_run_is_fetched(recorded: Recorded) -> None:
    assert (model_folder(recorded.store, find_run(recorded.store, "xor").run_id) / "factor.txt").read_text() == "2"
