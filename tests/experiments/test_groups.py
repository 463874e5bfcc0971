"""Which runs are one but for the seed, and how groups are called."""

from __future__ import annotations

from nnrun.runner.experiments.groups import by_key, names_of, seed_of
from nnrun.runner.experiments.runs import best_first, table
from nnrun.runner.record.short import short_names
from nnrun.runner.tracking.asked.listed import Listed


def run(name: str, spec: str = "digits", figure: float = 0.9, tags: dict[str, str] | None = None, **params: str) -> Listed:
    params = {path.replace("_", "."): value for path, value in params.items()}
    return Listed(name, name, spec, "FINISHED", 0, params, tags or {}, {"valid/best_accuracy": figure, "valid/best_step": 3.0})


def test_runs_that_differ_in_their_seed_are_one_group() -> None:
    runs = [run("a", train_seed="1"), run("b", train_seed="2"), run("c", train_seed="2", train_lr="0.1")]

    assert [[one.name for one in group] for group in by_key(runs)] == [["a", "b"], ["c"]]


def test_what_no_param_tells_parts_groups_too() -> None:
    runs = [
        run(name, tags={"settings_hash": settings, "data_hash": data}, train_seed="1")
        for name, settings, data in (("a", "1", "x"), ("b", "2", "x"), ("c", "1", "y"), ("d", "1", "x"))
    ]

    assert [[one.name for one in group] for group in by_key(runs)] == [["a", "d"], ["b"], ["c"]]


def test_runs_of_earlier_versions_are_told_apart_by_the_texts_of_their_nodes() -> None:
    runs = [run("a", nodes_hidden="linear(units=128)"), run("b", nodes_hidden="linear(units=64)")]

    assert len(by_key(runs)) == 2
    assert names_of(by_key(runs)) == ["hidden=linear(units=128)", "hidden=linear(units=64)"]


def test_the_spec_of_a_run_is_read_by_either_name_of_its_tag() -> None:
    old, new = (run("a", "other", tags={name: "digits"}) for name in ("nnrun.spec", "spec"))

    assert len(by_key([old, new])) == 1


def test_of_several_stages_the_first_seed_counts() -> None:
    assert seed_of(run("a", train_0_seed="4", train_1_seed="4")) == 4
    assert seed_of(run("a")) is None


def test_groups_are_called_by_what_they_alone_have() -> None:
    small, large, other = run("a", train_lr="0.1"), run("b", train_lr="0.2"), run("c", "letters", data_source="npz")

    assert names_of([[small], [other]]) == ["digits", "letters"]
    assert names_of([[small], [large]]) == ["lr=0.1", "lr=0.2"]
    assert names_of([[small], [large], [other]]) == ["digits lr=0.1", "digits lr=0.2", "letters"]
    assert names_of([[small], [run("d", train_lr="0.1")]]) == ["a", "d"]


def test_a_name_has_as_many_parts_as_tell_it_from_others() -> None:
    assert short_names(["nodes.a.units", "nodes.b.units", "train.optimizer.lr"]) == {
        "nodes.a.units": "a.units",
        "nodes.b.units": "b.units",
        "train.optimizer.lr": "lr",
    }


def test_the_best_run_comes_first_and_one_without_figures_last() -> None:
    broken = Listed("x", "x", "digits", "FAILED", 9, {}, {}, {})

    assert [one.name for one in best_first([broken, run("a", figure=0.8), run("b", figure=0.9)])] == ["b", "a", "x"]


def test_of_figures_that_should_be_small_the_smallest_comes_first() -> None:
    runs = [Listed(name, name, "d", "FINISHED", 0, {}, {}, {"valid/best_rmse": figure}) for name, figure in (("a", 2.0), ("b", 1.0))]

    assert [one.name for one in best_first(runs)] == ["b", "a"]


def test_only_what_differs_is_shown() -> None:
    runs = [run("a", train_lr="0.1", train_epochs="3", tags={"who": "me", "spec": "x"}), run("b", train_lr="0.2", train_epochs="3")]
    shown = table(runs)

    assert (shown.params, shown.tags) == (("train.lr",), ("who",))
    assert shown.figures == ("valid/best_accuracy",)


def test_all_is_shown_where_all_is_asked_for() -> None:
    assert table([run("a", train_lr="0.1"), run("b", train_lr="0.1")], every=True).params == ("train.lr",)


def test_runs_of_several_experiments_are_shown_by_what_decides_unless_all_is_asked_for() -> None:
    runs = [run("a", train_lr="0.1"), run("b", "letters", data_file="x")]

    assert table(runs).is_mixed
    assert not table(runs, every=True).is_mixed
    assert not table(runs[:1]).is_mixed


def test_what_differs_is_looked_for_in_all_runs_not_only_in_those_shown() -> None:
    runs = [run("a", figure=0.9, train_lr="1"), run("b", figure=0.8, train_lr="1"), run("c", figure=0.7, train_lr="2")]
    shown = table(runs, limit=2)

    assert [one.name for one in shown.runs] == ["a", "b"]
    assert shown.params == ("train.lr",)
