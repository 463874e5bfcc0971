"""The command as people and CI systems use it: real processes, a real store."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Run

from nnrun.runner.cli import main
from tests.tracking.support import ROOT, copied

IRIS = """\
nnrun: 1
name: iris
description: Four measurements tell three kinds of iris apart.
data:
  source: iris
  fields:
    measures: {type: vector, columns: [sepal_length, sepal_width, petal_length, petal_width], normalize: standard}
    species: {type: category}
nodes:
  hidden: {type: linear, units: 8, activation: tanh}
  scores: {type: linear, units: species}
edges:
  - measures -> hidden -> scores
train:
  loss: {type: cross_entropy, input: scores, target: species}
  optimizer: {type: adam, lr: 1e-2}
  batch_size: 16
  epochs: 5
metrics: [accuracy]
"""

LONG = ("train.epochs=100000", "track.every=5")
"""Settings that make a run outlive the test."""


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A folder with a spec and a fresh store, as a user has it."""
    (tmp_path / "iris.yaml").write_text(IRIS)
    copied(template, tmp_path)
    return tmp_path


@pytest.fixture
def nnrun(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command there as a process of its own."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nnrun", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture
def training(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A long training that has begun."""
    settings = [part for setting in LONG for part in ("--set", setting)]
    process = subprocess.Popen(
        [sys.executable, "-m", "nnrun", "iris.yaml", *settings],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch" in line:
            break
    yield process
    process.kill()
    process.communicate()


def runs(folder: Path) -> list[Run]:
    """The recorded runs, the latest first."""
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("iris")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def ended(folder: Path, patience: float = 30) -> Run:
    """The run, once somebody has ended it."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        found = runs(folder)
        if found and found[0].info.status != "RUNNING":
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"still {[run.info.status for run in runs(folder)]} after {patience} s")


def invoke(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="nnrun", **options)  # type: ignore[arg-type]


def test_a_run_prints_its_result_and_is_finished(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = nnrun("iris.yaml")

    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "the commonest class" in done.stdout
    assert "http://127.0.0.1:5000/#/experiments/" in done.stdout
    assert [run.info.status for run in runs(folder)] == ["FINISHED"]


def test_a_run_leaves_behind_what_its_contract_says(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml")
    (run,) = runs(folder)
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    kept = {file.path for file in client.list_artifacts(run.info.run_id)} | {
        file.path for file in client.list_artifacts(run.info.run_id, "spec")
    }

    assert {"curves.png", "graph.svg", "plan.txt", "predictions.json", "environment.json", "parts.json"} <= kept
    assert {"confusion.png", "precision_recall.png", "calibration.png"} <= kept
    assert {"spec/source.yaml", "spec/resolved.yaml"} <= kept
    assert run.data.params["train.optimizer.lr"] == "0.01"
    assert run.data.params["parameters"] == "67"
    assert {"train/loss", "valid/loss", "valid/accuracy", "valid/best_accuracy", "test/accuracy"} <= set(run.data.metrics)
    assert {name.partition("/")[0] for name in run.data.metrics} <= {"train", "valid", "test", "system"}
    assert run.data.tags["mlflow.note.content"].startswith(f"**test accuracy {run.data.metrics['test/accuracy']:.4g}, ")
    assert "nnrun iris.yaml" in run.data.tags["mlflow.note.content"]
    assert client.get_metric_history(run.info.run_id, "valid/accuracy")[0].step == 0


def test_a_figure_that_is_found_once_is_a_bar(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml")
    (run,) = runs(folder)
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    once = [name for name in run.data.metrics if name.startswith("test/") or "/best_" in name]
    points = {name: client.get_metric_history(run.info.run_id, name) for name in once}

    assert {"test/accuracy", "test/baseline_accuracy", "valid/best_accuracy"} <= set(once)
    assert {name: [point.step for point in points[name]] for name in once} == {name: [0] for name in once}
    assert "train/lr" not in run.data.metrics  # a constant rate is a param, and no chart
    assert re.fullmatch(r"step \d+ of 40", run.data.tags["kept"])


def test_a_run_says_what_it_learned_from(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml")
    (run,) = runs(folder)
    (used,) = run.inputs.dataset_inputs

    assert (used.dataset.name, json.loads(used.dataset.source)) == ("iris", {"uri": "iris"})
    assert used.dataset.digest == run.data.tags["data_hash"][:8]
    assert json.loads(used.dataset.profile) == {"num_rows": 150, "train": 120, "valid": 15, "test": 15}


def test_the_same_experiment_is_run_once(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml", "--once")
    again = nnrun("iris.yaml", "--once")
    (run,) = runs(folder)

    assert again.stdout.startswith(f"run before, as `{run.info.run_name}`:\n")
    assert f"test/accuracy            {run.data.metrics['test/accuracy']:.4f}" in again.stdout
    assert json.loads(nnrun("iris.yaml", "--once", "--json").stdout)["run_id"] == run.info.run_id
    assert nnrun("iris.yaml", "--once", "--seed", "1").returncode == 0
    assert len(runs(folder)) == 2


def test_a_run_that_breaks_off_says_why_and_keeps_curves_and_weights(
    folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (folder / "flowers.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n")
    done = nnrun("iris.yaml", "--set", "train.optimizer={type: sgd, lr: 1e38}")
    (run,) = runs(folder)
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")

    assert done.returncode == 3
    assert f"what there is of the run: http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}" in done.stderr
    assert run.info.status == "FAILED"
    assert run.data.tags["mlflow.note.content"].startswith("**FAILED: the loss at step ")
    assert run.data.tags["error"].startswith("Diverged: the loss at step ")
    assert "curves.png" in {file.path for file in client.list_artifacts(run.info.run_id)}
    assert len(nnrun("predict", run.info.run_id, "--input", "flowers.csv").stdout.splitlines()) == 2


GENERATED = """\
nnrun: 1
name: iris
data:
  source: digit_scenes
  scenes: 20
  fields: {page: {type: image}, part: {type: category}}
nodes: {flat: {type: flatten}, scores: {type: linear, units: part}}
edges: [page -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: part}, epochs: 1}
"""


def test_a_run_on_generated_data_says_so(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    (folder / "scenes.yaml").write_text(GENERATED)
    done = nnrun("scenes.yaml")
    (run,) = runs(folder)

    assert done.returncode == 0, done.stderr
    assert run.data.tags["data"] == "generated"
    assert "16 generated training examples" in run.data.tags["mlflow.note.content"]


def test_json_is_all_that_stdout_holds(nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = nnrun("iris.yaml", "--json", "--seed", "3")
    result = json.loads(done.stdout)

    assert result["steps"] == 40
    assert result["figures"]["test/accuracy"] > 0.5


def test_the_same_seed_gives_the_same_figures(nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    def losses(seed: str) -> float:
        return float(json.loads(nnrun("iris.yaml", "--json", "--seed", seed).stdout)["figures"]["test/loss"])

    assert losses("1") == losses("1") != losses("2")


def test_a_spec_from_standard_input_runs(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nnrun", "-", "--json"],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, input=IRIS, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout)["experiment"] == "iris"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_as_killed(folder: Path, training: subprocess.Popen[str], number: int, code: int) -> None:
    training.send_signal(number)

    assert training.wait(20) == code
    assert ended(folder).info.status == "KILLED"


def test_a_run_killed_with_nine_ends_as_killed_with_its_points_kept(folder: Path, training: subprocess.Popen[str]) -> None:
    training.kill()
    training.wait()
    run = ended(folder)

    assert run.info.status == "KILLED"
    assert MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").get_metric_history(run.info.run_id, "train/loss")


def test_a_diverging_training_fails_and_names_the_node(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = nnrun("iris.yaml", "--set", "train.optimizer={type: sgd, lr: 1e30}", "--set", "nodes.hidden.activation=relu")

    assert done.returncode == 3
    assert "iris.yaml:11:3: error[diverged]: the loss at step" in done.stderr  # where `scores` stands
    assert "not a finite number; the first node whose values are not finite is `scores`" in done.stderr
    assert "Traceback" not in done.stderr
    assert runs(folder)[0].info.status == "FAILED"


def test_predict_answers_in_the_names_of_the_data(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml", "--set", "train.epochs=30")
    (folder / "rows.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n")

    done = nnrun("predict", "iris", "--input", "rows.csv")

    assert done.returncode == 0, done.stderr
    assert [line.split(",")[:2] for line in done.stdout.splitlines()] == [["row", "species"], ["1", "setosa"], ["2", "virginica"]]


def test_predict_names_rows_as_the_user_does(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """One of the three is wrong: it keeps its place and is named, the others are answered."""
    nnrun("iris.yaml", "--set", "train.epochs=30")
    (folder / "rows.csv").write_text(
        "plant,sepal_length,sepal_width,petal_length,petal_width\nA7,5.1,3.5,1.4,0.2\nB1,wide,3,5.2,2.3\nC3,6.7,3,5.2,2.3\n"
    )

    done = nnrun("predict", "iris", "--input", "rows.csv", "--id", "plant", "--json")
    reason = "`measures` in row 2 holds `wide` in `sepal_length`, which is no number"

    assert (done.returncode, done.stderr) == (0, f"warning: row 2 has no answer: {reason}\n")
    assert [(row["plant"], row["species"], row["error"]) for row in json.loads(done.stdout)] == [
        ("A7", "setosa", None),
        ("B1", None, reason),
        ("C3", "virginica", None),
    ]


def test_predict_refuses_a_name_of_rows_that_is_an_answers(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml", "--set", "train.epochs=1")
    (folder / "rows.csv").write_text("species,sepal_length,sepal_width,petal_length,petal_width\nx,5.1,3.5,1.4,0.2\n")

    done = nnrun("predict", "iris", "--input", "rows.csv", "--id", "species")

    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error[bad-data]: `--id species` is also the name of an answer")


def test_predict_names_the_column_that_is_missing(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    nnrun("iris.yaml", "--set", "train.epochs=1")
    (folder / "rows.csv").write_text("sepal_length,sepal_width\n5.1,3.5\n")

    done = nnrun("predict", "iris", "--input", "rows.csv")

    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        [
            "error[bad-data]: `rows.csv` has no column `petal_length`, only `sepal_length`, `sepal_width`",
            "  = help: the network reads `sepal_length`, `sepal_width`, `petal_length`, `petal_width`",
        ],
    )


FACES = """\
nnrun: 1
name: faces
data:
  source: csv
  file: faces.csv
  delimiter: ";"
  fields:
    code: {type: category}
    size: {type: number}
    kind: {type: category}
  split: {train: 0.6, valid: 0.2, test: 0.2}
nodes:
  seen: {type: embedding, units: 3}
  scores: {type: linear, units: kind}
edges:
  - code -> seen -> scores
  - size -> scores
train:
  loss: {type: cross_entropy, input: scores, target: kind}
  epochs: 1
  device: cpu
"""


def test_a_target_of_one_class_is_refused(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    (folder / "faces.csv").write_text("code;size;kind\n" + "x;1;a\ny;2;a\n" * 10)
    (folder / "faces.yaml").write_text(FACES)

    done = nnrun("faces.yaml", "--quiet")

    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "faces.yaml:10:5: error[bad-data]: `kind` has only the class `a` in the training part, so that there is nothing to tell apart",
    )


def test_a_wrong_value_is_shown_where_it_is_read_and_where_it_stands(
    folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (folder / "faces.csv").write_text("code;size;kind\n" + "x;1;a\n\ny;2;b\n" * 10 + "x;large;a\n")  # empty lines count as lines
    (folder / "faces.yaml").write_text(FACES)

    done = nnrun("faces.yaml", "--quiet")

    assert done.returncode == 1
    assert (
        done.stderr
        == """\
faces.yaml:9:5: error[bad-data]: `size` in `faces.csv:32` holds `large`, which is no number
   |
 9 |     size: {type: number}
   |     ^^^^
   = help: a `category` or `text` field takes words

more: `nnrun explain bad-data`
"""
    )
    told = json.loads(nnrun("faces.yaml", "--quiet", "--json").stdout)
    assert (told["error"], told["id"], told["file"], told["line"]) == ("data", "bad-data", "faces.yaml", 9)


def test_a_device_that_is_not_there_is_said_with_what_to_do(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = nnrun("iris.yaml", "--quiet", "--device", "cuda:7")

    assert done.returncode == 4
    assert "error[no-device]: `device: cuda:7` asks for a GPU, and torch sees" in done.stderr
    assert "`device: auto` takes what is there" in done.stderr


def test_figures_stand_under_the_part_that_they_are_of(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = nnrun("iris.yaml", "--quiet", "--set", "train.epochs=1", "--set", "data.split={train: 0.7, valid: 0.3, test: 0}")

    assert "validation" in done.stdout
    assert " test " not in done.stdout


def test_the_logged_model_loads_with_mlflow_alone(
    folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.pyfunc
    import pandas

    nnrun("iris.yaml", "--set", "train.epochs=30")
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (run,) = runs(folder)
    (logged,) = client.search_logged_models([run.info.experiment_id])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")  # MLflow's own setter would outlive the test
    model = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    frame = pandas.DataFrame({"sepal_length": [5.1], "sepal_width": [3.5], "petal_length": [1.4], "petal_width": [0.2]})

    assert model.predict(frame)["species"].tolist() == ["setosa"]


def test_smoke_is_fine_without_the_data(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(IRIS.replace("source: iris", "source: csv\n  file: absent.csv"))

    assert invoke("smoke", str(tmp_path / "own.yaml")).exit_code == 0


def test_a_missing_data_file_is_a_missing_file(folder: Path, nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    (folder / "own.yaml").write_text(IRIS.replace("source: iris", "source: csv\n  file: absent.csv"))

    done = nnrun("own.yaml")

    assert done.returncode == 4
    assert "absent.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_finds_nothing_in_a_good_spec(folder: Path) -> None:
    result = invoke("check", str(folder / "iris.yaml"))

    assert (result.exit_code, result.output) == (0, "1 spec fine\n")


def test_check_of_a_folder_counts_specs_and_errors(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(IRIS.replace("type: adam", "type: adem"))

    result = invoke("check", str(folder))

    assert result.exit_code == 1
    assert "an optimizer `adam` exists" in result.output
    assert result.output.endswith("1 error in 1 of 2 specs\n")


def test_check_gives_json(folder: Path) -> None:
    result = invoke("check", "--json", "--set", "train.batch_size=-1", str(folder / "iris.yaml"))

    (finding,) = json.loads(result.stdout)
    assert (finding["id"], finding["file"]) == ("out-of-range", "--set")


def test_check_gives_annotations_for_github(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(IRIS.replace("units: 8", "units: 0"))

    result = invoke("check", "--format", "github", str(folder / "wrong.yaml"))

    assert result.stdout.startswith(f"::error file={folder}/wrong.yaml,line=10,")


def test_a_verb_that_does_not_exist_is_answered_with_the_nearest() -> None:
    result = invoke("chekc")

    assert result.exit_code == 2
    assert "the verb `check` exists" in result.output


def test_a_spec_that_does_not_exist_is_answered_with_the_nearest(folder: Path) -> None:
    result = invoke(str(folder / "irs.yaml"))

    assert result.exit_code == 4
    assert f"`{folder / 'iris.yaml'}` exists" in result.output


@pytest.mark.parametrize("name", ["shape-mismatch", "lstm", "adam", "movie_reviews"])
def test_explain_knows_findings_and_components(name: str) -> None:
    result = invoke("explain", name)

    assert result.exit_code == 0
    assert name in result.output


def test_explain_names_what_is_near() -> None:
    assert "`lstm` exists" in invoke("explain", "lstmm").output


def test_nodes_lists_every_role() -> None:
    output = invoke("nodes").output

    assert all(word in output for word in ("lstm", "movie_reviews", "cross_entropy", "accuracy", "rmsprop", "one_cycle", "series"))


@pytest.mark.parametrize("option", ["--plan", "--resolved", "--graph=dot", "--graph=svg", "--graph=text"])
def test_show_prints_each_view(folder: Path, option: str) -> None:
    result = invoke("show", str(folder / "iris.yaml"), option)

    assert result.exit_code == 0
    assert "hidden" in result.output


def test_show_resolved_is_a_spec_again(folder: Path) -> None:
    (folder / "again.yaml").write_text(invoke("show", str(folder / "iris.yaml"), "--resolved").output)

    assert invoke("show", str(folder / "again.yaml"), "--resolved").output == (folder / "again.yaml").read_text()


def test_show_counts_parameters(folder: Path) -> None:
    assert "40" in next(
        line for line in invoke("show", str(folder / "iris.yaml")).output.splitlines() if line.lstrip().startswith("hidden")
    )


def test_no_color_keeps_colour_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    (folder / "wrong.yaml").write_text(IRIS.replace("units: 8", "units: 0"))

    assert "\x1b" not in invoke("check", str(folder / "wrong.yaml"), color=True).output


def test_light_verbs_load_neither_torch_nor_mlflow(folder: Path) -> None:
    script = (
        "import sys; from click.testing import CliRunner; from nnrun.runner.cli import main\n"
        "for words in (['--help'], ['check', 'iris.yaml'], ['show', 'iris.yaml'], ['show', 'iris.yaml', '--graph', 'svg'],"
        " ['nodes'], ['schema'], ['explain', 'lstm'], ['diff', 'iris.yaml', '--set', 'nodes.hidden.units=9']):\n"
        "    result = CliRunner().invoke(main, words); assert result.exit_code == 0, (words, result.output, result.exception)\n"
        "    assert not {'torch', 'mlflow'} & set(sys.modules), words\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_completion_offers_the_verbs() -> None:
    from click.shell_completion import BashComplete

    offered = {item.value for item in BashComplete(main, {}, "nnrun", "_NNRUN_COMPLETE").get_completions([], "s")}

    assert {"show", "smoke", "schema", "sync"} <= offered


def test_a_store_that_mlflow_refuses_is_refused_before_the_training(nnrun: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = nnrun("iris.yaml", MLFLOW_TRACKING_URI="file:./elsewhere")

    assert done.returncode == 4
    assert "sqlite:///mlflow.db" in done.stderr
