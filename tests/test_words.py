"""What the command says, and how it looks in a terminal, a pipe and a narrow window."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from nnrun.registry.catalog import Lookup
from nnrun.registry.fields.image import Augment
from nnrun.runner.cli import main
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.data import Split, Window
from nnrun.runner.compiler.language.examples import EXAMPLES
from nnrun.runner.compiler.language.schema import schema
from nnrun.runner.compiler.language.spec import Mask, Track
from nnrun.runner.compiler.language.sweep import Sweep
from nnrun.runner.compiler.language.training import Average, EarlyStopping
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.render import render_text
from nnrun.runner.compiler.text.source import load_document
from nnrun.runner.display import Display
from tests.compiler.support import spec

WRONG = spec({"scores": "{type: linear, units: digit, bias: true, activation: softmx, freeze: false, init: xavier}"})


def invoke(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="nnrun", **options)  # type: ignore[arg-type]


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    return str(path)


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        (["--epochs", "3"], "train.epochs=3"),
        (["--batch-size=8"], "train.batch_size=8"),
        (["--lr", "0.1"], "train.optimizer.lr=0.1"),
        (["--learning-rate", "0.1"], "train.optimizer.lr=0.1"),
    ],
)
@pytest.mark.parametrize("verb", [[], ["run"], ["check"]])
def test_a_key_of_the_spec_as_an_option_is_answered_with_its_setting(verb: list[str], option: list[str], setting: str, wrong: str) -> None:
    result = invoke(*verb, wrong, *option)

    assert result.exit_code == 2
    assert f"`--set {setting}`" in result.output


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(WRONG)
    result = invoke("show", str(tmp_path))

    assert result.exit_code == 2
    assert f"`{tmp_path}` is a folder of 2 specs" in result.output


def test_an_id_is_named_once_however_often_it_is_found(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG.replace("softmx", "softmx, lrr: 1, unitss: 2"))

    assert invoke("check", wrong).output.count("nnrun explain unknown-key") == 1


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_the_colours_that_it_asks_for(environment: dict[str, str], coloured: bool, wrong: str) -> None:
    assert ("\x1b" in invoke("check", wrong, color=True, env={"NO_COLOR": None, "TERM": "xterm"} | environment).output) == coloured


def test_force_color_colours_a_pipe(wrong: str) -> None:
    assert "\x1b" in invoke("check", wrong, env={"FORCE_COLOR": "1", "NO_COLOR": None, "TERM": "xterm"}).output


@pytest.mark.parametrize("width", [40, 60, 80])
def test_an_excerpt_fits_the_width_and_marks_the_same_word(width: int) -> None:
    checked = check(WRONG)
    lines = [line for line in render_text(checked.report, checked.document, width=width).splitlines() if " | " in line]
    (carets,) = [line for line in lines if "^" in line]
    (source,) = [line for line in lines if "softmx" in line and "^" not in line]

    assert max(map(len, lines)) <= width
    assert source[carets.index("^") : carets.rindex("^") + 1] == "softmx"
    assert "…" in source


@pytest.mark.parametrize(
    "edge", ["image ->\n      flat ->\n      scorse", ">-\n      image -> flat ->\n      scorse", '"image ->\n      scorse"']
)
def test_a_folded_text_shows_its_place(edge: str) -> None:
    checked = check(spec(edges=[edge]))
    span = next(checked.document.span(finding.at) for finding in checked.report if "scorse" in finding.headline)

    assert span.text.lines[span.line - 1][span.column - 1 : span.end_column - 1] == "scorse"


SECTION_KEYS = (
    "train",
    "split",
    "window",
    "early_stopping",
    "decode",
    "augment",
    "edges",
    "prev",
    "data",
    "blocks",
    "track",
    "mask",
    "optimizer",
    "sweep",
    "over",
)


@pytest.mark.parametrize("key", SECTION_KEYS)
def test_a_section_has_a_page_with_an_example(key: str) -> None:
    output = invoke("explain", key).output

    assert output.startswith((f"`{key}", f"the {key} types"))
    assert "  - a -> b -> c" in output if key == "edges" else "Example:" in output


@pytest.mark.parametrize("key", ["epochs", "clip_norm", "fields", "nodes", "max_length", "top_k", "kernel", "label_smoothing"])
def test_every_key_has_a_page(key: str) -> None:
    assert f"`{key}`, a key of" in invoke("explain", key).output


def test_explain_lists_choices() -> None:
    assert "search (default greedy; one of greedy, sample, beam)" in invoke("explain", "decode").output
    assert "method (default max; one of max, mean)" in invoke("explain", "pool").output


def test_nobody_reads_a_name_of_python() -> None:
    output = invoke("explain", "formula").output

    assert "  is (required): The formula." in output
    assert "is_" not in output


def test_a_source_tells_its_columns() -> None:
    assert "  species: {type: category, classes: [setosa, versicolor, virginica]}" in invoke("explain", "iris").output


@pytest.mark.parametrize("key", EXAMPLES)
def test_an_example_is_right(key: str) -> None:
    value = load_document(EXAMPLES[key], "example", Report()).value
    forms = {
        "split": Split,
        "window": Window,
        "average": Average,
        "early_stopping": EarlyStopping,
        "track": Track,
        "mask": Mask,
        "augment": Augment,
        "sweep": Sweep,
    }
    if key in forms:
        forms[key].model_validate(value)
    elif key in ("loss", "optimizer", "schedule"):
        Lookup(key).validate(value)
    else:
        assert value
        if key in ("data", "fields", "nodes", "edges", "metrics", "train"):
            assert check(with_example(key)).report.ids == []


DATA = "{source: digits, fields: {image: {type: image}, digit: {type: category}}}"


def with_example(key: str) -> str:
    """A good spec in which the example stands."""
    lines = {
        "data": DATA,
        "nodes": EXAMPLES["nodes"],
        "edges": EXAMPLES["edges"],
        "train": EXAMPLES["train"],
    }
    lines[key] = EXAMPLES[key]
    if key == "fields":
        lines["data"] = f"{{source: digits, fields: {lines.pop('fields')}}}"
    return "nnrun: 1\nname: example\n" + "".join(f"{name}: {value}\n" for name, value in lines.items())


def test_the_schema_says_what_every_key_is_for() -> None:
    made = schema()
    definitions = {"spec": made, **made["definitions"]}
    silent = [
        f"{name}.{key}"
        for name, held in definitions.items()
        for key, option in held.get("properties", {}).items()
        if "description" not in option and "const" not in option
    ]

    assert silent == []
    assert "Example: window: {length: 24}" in made["definitions"]["source"]["allOf"][0]["then"]["properties"]["window"]["description"]


def test_the_words_of_an_option_are_a_whole_sentence() -> None:
    found = check(spec(train="{loss: {type: cross_entropy, input: scores, target: digit}, shuffle: 3}")).report[0]

    assert found.help == "`shuffle`: Take the examples in a new random order in each epoch; yes where left out, but with `carry_state`."


def test_a_list_of_names_is_cut_between_names_with_the_nearest_first() -> None:
    found = check(spec({"scores": "{type: normalisation, units: 3}"})).report[0]

    assert found.help.startswith("there are `")
    assert found.help.split("`")[1] in ("batch_norm", "layer_norm", "activation")
    assert found.help.endswith("`, …")


def test_metrics_that_were_asked_for_are_shown_while_training() -> None:
    text = StringIO()
    display = Display(Console(file=text, width=200))
    display.asked = frozenset({"cohen_kappa"})
    display.evaluated(10, 1, {"valid/loss": 0.5, "valid/cohen_kappa": 0.25, "valid/other": 1.0})

    assert "valid/cohen_kappa 0.2500" in text.getvalue()
    assert "other" not in text.getvalue()
