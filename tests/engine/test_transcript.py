"""Texts that frames spell: how they are found from scores, against all ways through the frames, and how a network learns to write them."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nnrun.registry.data.tokens import SPECIALS
from nnrun.registry.field import DataError
from nnrun.runner.answers.generating.texts import generated
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.inference.transcribe import spelling, spelt, transcribe
from nnrun.runner.smoke import made_up, smoke
from tests.engine.support import Built, build, train

SYMBOLS = len(SPECIALS) + 3
FRAMES = [5, 3, 1, 4]
WIDE = 400
"""More hypotheses than there are texts of five frames and three symbols."""


def scores(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Of four examples, (T, B, K), with frames of nonsense behind the last."""
    made = torch.randn(max(FRAMES) + 1, len(FRAMES), SYMBOLS, generator=torch.Generator().manual_seed(seed))
    return 1.5 * made, torch.tensor(FRAMES)


def every_text(made: Tensor) -> dict[tuple[int, ...], float]:
    """All texts that frames (T, K) can spell, with the logarithms of their probabilities."""
    log_p = spelling(made.double()).log_softmax(-1)
    found: dict[tuple[int, ...], list[float]] = {}
    for way in itertools.product([0, *range(len(SPECIALS), SYMBOLS)], repeat=len(made)):
        found.setdefault(tuple(spelt(list(way))), []).append(sum(float(log_p[tick, symbol]) for tick, symbol in enumerate(way)))
    return {text: float(np.logaddexp.reduce(ways)) for text, ways in found.items()}


def test_repetitions_are_one_and_blanks_are_none() -> None:
    assert spelt([0, 4, 4, 0, 4, 5, 5, 0, 0, 6]) == [4, 4, 5, 6]
    assert spelt([0, 0]) == []


def test_best_path_takes_the_best_symbol_of_each_frame() -> None:
    made = torch.full((6, 1, SYMBOLS), -3.0)
    for tick, symbol in enumerate([4, 4, 0, 4, 6, 5]):
        made[tick, 0, symbol] = 3.0
    ((found,),) = transcribe(made, torch.tensor([5]), Decode())

    assert found.symbols == (4, 4, 6)
    assert found.score == pytest.approx(float(spelling(made).log_softmax(-1).amax(-1)[:5].sum()))
    assert found.ended


@pytest.mark.parametrize("search", ["greedy", "sample", "beam"])
def test_nothing_is_written_as_unknown(search: Any) -> None:
    made, lengths = scores()
    made[..., 1:4] = 50.0

    found = transcribe(made, lengths, Decode(search=search, n_best=1), torch.Generator().manual_seed(0))

    assert all(set(hypothesis.symbols) <= set(range(len(SPECIALS), SYMBOLS)) for row in found for hypothesis in row)


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_with_room_for_all_texts_finds_all_with_their_probabilities(seed: int) -> None:
    made, lengths = scores(seed)
    found = transcribe(made, lengths, Decode(search="beam", width=WIDE, n_best=WIDE))

    for place, hypotheses in enumerate(found):
        expected = every_text(made[: FRAMES[place], place])
        assert {one.symbols: one.score for one in hypotheses} == pytest.approx(expected, abs=1e-4)
        assert [one.score for one in hypotheses] == sorted((one.score for one in hypotheses), reverse=True)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_narrow_beam_finds_different_texts_none_likelier_than_it_is(width: int) -> None:
    made, lengths = scores(7)
    for place, hypotheses in enumerate(transcribe(made, lengths, Decode(search="beam", width=width, n_best=width))):
        expected = every_text(made[: FRAMES[place], place])
        assert len({one.symbols for one in hypotheses}) == len(hypotheses) > 0
        assert all(one.score <= expected[one.symbols] + 1e-4 for one in hypotheses)


def test_a_beam_finds_a_text_of_many_ways_where_the_best_way_spells_another() -> None:
    # Two frames: a blank has 0.6, a symbol 0.4. The best way spells nothing, at 0.36; the ways to the symbol have 0.64 together.
    made = torch.full((2, 1, SYMBOLS), -1e9)
    made[..., 0], made[..., 4] = np.log(0.6), np.log(0.4)

    assert transcribe(made, torch.tensor([2]), Decode())[0][0].symbols == ()
    ((best,),) = transcribe(made, torch.tensor([2]), Decode(search="beam"))
    assert best.symbols == (4,)
    assert best.score == pytest.approx(np.log(0.64))


def test_a_length_penalty_ranks_long_texts_higher() -> None:
    made, lengths = scores(2)
    penalised = transcribe(made, lengths, Decode(search="beam", width=WIDE, length_penalty=2.0))

    for place, (best,) in enumerate(penalised):
        expected = {text: score / ((5 + len(text)) / 6) ** 2 for text, score in every_text(made[: FRAMES[place], place]).items()}
        assert best.score == pytest.approx(max(expected.values()), abs=1e-4)


@pytest.mark.parametrize("search", ["greedy", "sample", "beam"])
def test_no_text_is_longer_than_may_be_written(search: Any) -> None:
    made, lengths = scores(3)
    made[..., 0] = -9.0
    found = transcribe(made, lengths, Decode(search=search, max_length=2), torch.Generator().manual_seed(0))

    assert max(len(row[0].symbols) for row in found) == 2
    assert [row[0].ended for row in found] == [len(row[0].symbols) < 2 for row in found]


def test_what_is_pruned_is_less_likely_than_the_best() -> None:
    made, lengths = scores(4)
    found = transcribe(made, lengths, Decode(search="beam", width=WIDE, n_best=WIDE, prune=1.0))

    assert all(one.score >= row[0].score - 1.0 for row in found for one in row)
    assert sum(map(len, found)) < sum(map(len, transcribe(made, lengths, Decode(search="beam", width=WIDE, n_best=WIDE))))


def test_texts_are_drawn_by_their_probability() -> None:
    made, lengths = scores(5)
    count = 20_000
    found = transcribe(made[:, 1:2], lengths[1:2], Decode(search="sample", n_best=count), torch.Generator().manual_seed(0))[0]
    drawn = Counter(one.symbols for one in found)

    for text, score in every_text(made[: FRAMES[1], 1]).items():
        assert drawn[text] / count == pytest.approx(np.exp(score), abs=0.015)


@pytest.mark.parametrize("settings", [Decode(), Decode(search="beam", width=4, n_best=4)], ids=["greedy", "beam"])
def test_a_batch_is_read_as_one_by_one(settings: Decode) -> None:
    made, lengths = scores(6)
    together = transcribe(made, lengths, settings)

    for place, frames in enumerate(FRAMES):
        (alone,) = transcribe(made[:frames, place : place + 1], lengths[place : place + 1], settings)
        assert [one.symbols for one in together[place]] == [one.symbols for one in alone]
        assert [one.score for one in together[place]] == pytest.approx([one.score for one in alone], abs=1e-5)


SPEC = """\
nnrun: 1
name: spelled
data:
  source: csv
  file: none.csv
  fields:
    wave: {type: series, size: 3}
    text: {type: text, tokens: characters}
nodes:
  near:    {type: conv_time, filters: 12, activation: tanh}
  memory:  {type: gru, units: 12, bidirectional: true}
  scores:  {type: linear, units: text}
  written: {type: transcript, target: text}
edges:
  - wave -> near -> memory -> scores -> written
train:
  loss: {type: ctc, input: scores, target: text}
  optimizer: {type: adam, lr: 1e-2}
  batch_size: 16
  epochs: 9
metrics: [exact_match, character_error_rate]
"""


def waves(count: int = 80, seed: int = 0, slow: int = 1) -> dict[str, Any]:
    """Texts of a, b and c, and films in which each of them is to be seen for one to three frames, with nothing between. Slow ones have
    each frame several times."""
    rng = random.Random(seed)
    texts = ["".join(rng.choice("abc") for _ in range(rng.randint(1, 5))) for _ in range(count)]
    shown = [[symbol for letter in text for symbol in [letter] * rng.randint(1, 3) + [" "] * rng.randint(1, 2)] for text in texts]
    return {
        "wave": [[[float(frame == letter) for letter in "abc"] for frame in frames for _ in range(slow)] for frames in shown],
        "text": texts,
    }


def learned(*settings: str, slow: int = 1) -> Built:
    built = build(SPEC, waves(200, slow=slow), "train.epochs=30", *settings)
    train(built)
    return built


HALVED = ("nodes.near.stride=2", "nodes.near.kernel=4")
"""The transcript is spelled along `wave/2`."""


def test_texts_must_fit_into_the_ticks_that_a_stride_leaves() -> None:
    with pytest.raises(DataError, match=r"of `wave/3` to be told, which has \d there"):
        train(build(SPEC, waves(), "nodes.near.stride=3"))


def test_a_network_learns_to_spell_without_being_told_when() -> None:
    built = build(SPEC, waves(200), "train.epochs=30", "decode={written: {search: beam, width: 4}}")
    outcome, watcher = train(built)

    assert outcome.figures["test/exact_match"] >= 0.95
    assert outcome.figures["test/greedy_exact_match"] >= 0.95
    assert outcome.figures["test/character_error_rate"] <= 0.02
    assert watcher.warnings == []


@pytest.mark.parametrize(("settings", "slow"), [((), 1), (HALVED, 2)], ids=["each frame", "half of the frames"])
def test_what_is_written_is_answered_and_judged_alike(settings: tuple[str, ...], slow: int) -> None:
    built = learned(*settings, slow=slow)
    predictor, part = Predictor(built.network, built.plan, built.data.facts), built.data.test
    assert part is not None
    sheet = Sheet(predictor, part)

    figures = built.evaluator.evaluate(part, "test", sheet)
    table = sheet.table().to_pydict()
    asked = predictor.predict({"wave": [waves(200, slow=slow)["wave"][row - 1] for row in table["row"]]})

    assert asked["text"] == table["text"]
    assert table["true_text"] == [waves(200)["text"][row - 1] for row in table["row"]]
    assert figures["test/exact_match"] >= 0.8
    assert figures["test/exact_match"] == pytest.approx(
        np.mean([one == other for one, other in zip(table["text"], table["true_text"], strict=True)])
    )
    assert np.mean(table["loss"]) == pytest.approx(figures["test/loss"], rel=1e-5)


def test_loss_is_the_mean_over_examples_of_those_of_torch() -> None:
    built = build(SPEC, waves())
    part = built.data.train
    expected = []
    for row in part.rows.tolist():
        batch = part.batch(torch.tensor([row]))
        made = built.network.eval()(batch, ("scores",))["scores"].log_softmax(-1)
        loss = torch.nn.CTCLoss(reduction="sum")(made, batch.values["text"].T, batch.lengths["wave"], batch.lengths["text"])
        expected.append(loss.item())

    assert built.evaluator.evaluate(part, "train")["train/loss"] == pytest.approx(np.mean(expected), rel=1e-5)


def test_rows_can_count_more_than_others() -> None:
    weighed = SPEC.replace("  fields:", "  fields:\n    much: {type: weight}")
    weighed = weighed.replace("input: scores, target: text", "input: scores, target: text, example_weights: much")
    columns = waves(30)
    built = build(weighed, {**columns, "much": [0.0 if row % 3 else 2.0 for row in range(30)]})
    plain = build(SPEC, columns)
    plain.network.load_state_dict(built.network.state_dict())
    part = plain.data.train
    some = [row for row in part.rows.tolist() if row % 3 == 0]

    found = built.evaluator.evaluate(built.data.train, "train")["train/loss"]

    alone = [plain.evaluator.loss(part.batch(torch.tensor([row]))) for row in some]
    assert found == pytest.approx(np.mean(alone), rel=1e-5)


def test_a_text_with_too_few_frames_is_refused_with_its_row() -> None:
    columns = waves(40)
    columns["text"][17] = "abba"
    columns["wave"][17] = columns["wave"][17][:1] * 4
    built = build(SPEC, columns)

    with pytest.raises(DataError) as error:
        train(built)
    assert error.value.message == "`text` in row 18 takes 5 ticks of `wave` to be told, which has 4 there"

    columns["wave"][17] = columns["wave"][17][:1] * 5
    train(build(SPEC, columns, "train.epochs=1"))


def test_no_prompt_begins_what_frames_spell() -> None:
    built = build(SPEC, waves(20))

    with pytest.raises(DataError, match="a prompt says how a text begins, and this one is read from its frames"):
        generate(built.network, built.data.train.batch(built.data.train.rows[:1]), Decode(), forced=torch.tensor([4]))


HYBRID = """\
nnrun: 1
name: both
data: {source: csv, file: none.csv, fields: {wave: {type: series, size: 3}, text: {type: text, tokens: characters}}}
nodes:
  memory: {type: gru, units: 12}
  spelt:  {type: linear, units: text}
  write:  {type: embedding, units: 6}
  writer: {type: gru, units: 12}
  scores: {type: linear, units: text}
  letter: {type: choice, target: text}
edges:
  - wave -> memory -> spelt
  - memory.state -> writer.initial
  - prev(letter) -> write -> writer -> scores -> letter
train:
  loss:
    - {type: cross_entropy, input: scores, target: text}
    - {type: ctc, input: spelt, target: text, weight: 0.3}
metrics: [exact_match]
"""


THIRDS = SPEC.replace("filters: 12", "filters: 12, padding: valid, stride: 3")


@pytest.mark.parametrize("text", [SPEC, HYBRID, THIRDS], ids=["alone", "beside a choice", "along a third of the frames"])
def test_it_works_on_made_up_data(text: str) -> None:
    assert smoke(check(text)) is None


def test_a_made_up_text_can_be_spelled_by_as_many_frames() -> None:
    _, data = made_up(check(SPEC))

    assert (data.train.lengths["text"] == data.train.lengths["wave"]).all()
    tokens = data.train.values["text"]
    assert not ((tokens[:, 1:] == tokens[:, :-1]) & (tokens[:, 1:] > 0)).any()


def test_several_texts_of_a_row_are_drawn_or_the_best_of_a_beam() -> None:
    built = build(SPEC, waves(40))
    predictor, columns = Predictor(built.network, built.plan, built.data.facts), {"wave": waves(2)["wave"]}

    drawn = generated(predictor, columns, prompt=None, count=3, seed=0)
    assert [row["row"] for row in drawn] == [1, 1, 1, 2, 2, 2]

    beam = build(SPEC, waves(40), "decode={written: {search: beam, width: 2}}")
    found = generated(Predictor(beam.network, beam.plan, beam.data.facts), columns, prompt=None, count=3, seed=0)
    assert [row["row"] for row in found] == [1, 1, 1, 2, 2, 2]
    assert len({(row["row"], row["text"]) for row in found}) == 6
