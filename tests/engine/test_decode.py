"""One spec for training and decoding: the same nodes, all ticks at once or symbol by symbol."""

from __future__ import annotations

import random

import pytest
import torch

from nnrun.registry.data.tokens import END
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.samples import samples
from nnrun.runner.engine.inference.search import allowed
from nnrun.runner.engine.network.stepping import stepper
from nnrun.runner.show.loops import plan_text
from tests.engine.support import Built, build, train

HEAD = """\
nnrun: 1
name: reversal
data:
  source: csv
  file: none.csv
  fields:
    source: {type: text, tokens: characters}
    target: {type: text, tokens: characters}
nodes:
  read:    {type: embedding, units: 12}
  encoder: {type: gru, units: 24}
  write:   {type: embedding, units: 12}
"""

TAIL = """\
  scores:  {type: linear, units: target}
  word:    {type: choice, target: target%s}
edges:
  - source -> read -> encoder
  - scores -> word
%s
train:
  loss: {type: cross_entropy, input: scores, target: target}
  optimizer: {type: adam, lr: 1e-2}
  epochs: 2
metrics: [accuracy]
decode:
  word: {search: beam, width: 3, max_length: 8}
"""

DECODERS = {
    "cell": (
        "  decoder: {type: gru, units: 24}\n  look: {type: attention}\n",
        "  - encoder.state -> decoder.initial\n  - prev(word) -> write -> decoder -> look.query\n"
        "  - encoder -> look.memory\n  - decoder, look -> scores",
    ),
    "two layers": (
        "  decoder: {type: lstm, units: 24, layers: 2}\n  final: {type: last}\n  flat: {type: linear, units: 24}\n",
        "  - encoder -> final -> flat -> decoder.initial\n  - prev(word) -> write -> decoder -> scores",
    ),
    "by hand": (
        "  h: {type: linear, units: 24, activation: tanh}\n  final: {type: last}\n",
        '  - encoder -> final -> h.initial\n  - prev(word) -> write\n  - "write, prev(h), prev(h, 2) -> h"\n  - h -> scores',
    ),
    "convolution": (
        "  near: {type: causal_conv, filters: 24, activation: relu}\n  far: {type: causal_conv, filters: 24, dilation: 2}\n"
        "  final: {type: last}\n  both: {type: add}\n",
        "  - encoder -> final -> both\n  - prev(word) -> write -> near -> far -> both -> scores",
    ),
    "positions": (
        "  place: {type: position}\n  learned: {type: position, method: learned, length: 40}\n  final: {type: last}\n"
        "  fit: {type: linear, units: 12}\n  both: {type: concat}\n",
        "  - encoder -> final -> both\n  - prev(word) -> write -> place -> fit -> learned -> both -> scores",
    ),
    "self-attention": (
        "  place: {type: position}\n  back: {type: attention, method: multi_head, heads: 3, causal: true}\n"
        "  again: {type: attention, causal: true}\n  more: {type: add}\n  look: {type: attention}\n",
        "  - prev(word) -> write -> place -> back.query\n  - place -> back.memory\n  - place, back -> more -> again.memory\n"
        "  - more -> again.query\n  - again -> look.query\n  - encoder -> look.memory\n  - again, look -> scores",
    ),
    "repeated": (
        "  decoder: {type: gru, units: 24}\n  final: {type: last}\n  again: {type: repeat}\n  both: {type: concat}\n",
        "  - encoder -> final -> again\n  - target -> again.along\n  - prev(word) -> write\n  - write, again -> both -> decoder -> scores",
    ),
}


def words(count: int = 120) -> list[str]:
    rng = random.Random(1)
    return ["".join(rng.choice("abc") for _ in range(rng.randint(1, 5))) for _ in range(count)]


def reversal(decoder: str, option: str = "", count: int = 120) -> Built:
    nodes, edges = DECODERS[decoder]
    return build(HEAD + nodes + TAIL % (option, edges), {"source": words(count), "target": [word[::-1] for word in words(count)]})


@pytest.mark.parametrize("decoder", list(DECODERS))
def test_scores_symbol_by_symbol_are_those_of_all_ticks_at_once(decoder: str) -> None:
    built = reversal(decoder)
    assert built.plan.decoding is not None
    network, batch = built.network.eval(), built.data.train.batch(built.data.train.rows[:6])
    target = batch.values["target"]

    with torch.no_grad():
        whole = network(batch, ("scores",))["scores"]
        steps = stepper(network, Batch({**batch.values, "target": target * 0 - 1}, batch.lengths, 6), len(target))
        for tick, symbols in enumerate(target):
            now = steps.tick(tick)
            real = batch.lengths["target"] > tick
            torch.testing.assert_close(now["scores"][real], whole[tick][real])
            steps.remember({**now, "word": symbols})


@pytest.mark.parametrize("decoder", list(DECODERS))
@pytest.mark.parametrize("settings", [Decode(max_length=8), Decode(search="beam", width=3, n_best=3, max_length=8)], ids=["greedy", "beam"])
def test_a_batch_generates_as_one_by_one(decoder: str, settings: Decode) -> None:
    built = reversal(decoder)
    train(built)
    part = built.data.train

    together = generate(built.network, part.batch(part.rows[:9]), settings)
    alone = [generate(built.network, part.batch(part.rows[row : row + 1]), settings)[0] for row in range(9)]

    assert [[one.symbols for one in row] for row in together] == [[one.symbols for one in row] for row in alone]


@pytest.mark.parametrize("decoder", list(DECODERS))
@pytest.mark.parametrize("search", ["greedy", "sample", "beam"])
def test_the_score_of_a_hypothesis_is_its_likelihood(decoder: str, search: str) -> None:
    built = reversal(decoder)
    train(built)
    part, count = built.data.train, {"greedy": 1, "sample": 4, "beam": 5}[search]
    options = {"width": 5} if search == "beam" else {}
    settings = Decode.model_validate({"search": search, "n_best": count, "max_length": 6, **options})
    rows = part.rows[:7]

    for row, hypotheses in zip(rows, generate(built.network, part.batch(rows), settings), strict=True):
        for one in hypotheses:
            symbols = torch.tensor([*one.symbols, *([END] if one.ended else [])])
            batch = part.batch(row.unsqueeze(0))
            given = Batch({**batch.values, "target": symbols.unsqueeze(1)}, {**batch.lengths, "target": torch.tensor([len(symbols)])}, 1)
            with torch.no_grad():
                log_p = allowed(built.network.eval()(given, ("scores",))["scores"][:, 0]).log_softmax(-1)
            likelihood = float(log_p.gather(1, symbols.unsqueeze(1)).sum())
            assert one.score == pytest.approx(likelihood, abs=1e-3)


def test_a_trained_network_generates_the_target() -> None:
    built = reversal("cell", count=800)
    for _ in range(4):
        train(built)
    assert built.data.test is not None
    predictor = Predictor(built.network, built.plan, built.data.facts)

    answers, truth = predictor.answers(built.data.test)["target"], predictor.truth(built.data.test)["target"]

    assert sum(a == b for a, b in zip(answers, truth, strict=True)) > 0.9 * len(truth)


def test_a_target_ends_with_the_end_symbol() -> None:
    built = reversal("cell")
    batch = built.data.train.batch(built.data.train.rows[:4])

    assert {int(batch.values["target"][length - 1, row]) for row, length in enumerate(batch.lengths["target"])} == {3}
    assert 3 not in batch.values["source"]


def test_own_choices_are_fed_back_in_training_only() -> None:
    torch.manual_seed(0)
    own, taught = reversal("cell", ", feedback: 0.9"), reversal("cell")
    own.network.load_state_dict(taught.network.state_dict())
    batch = own.data.train.batch(own.data.train.rows[:8])

    assert torch.equal(own.network.eval()(batch, ("scores",))["scores"], taught.network.eval()(batch, ("scores",))["scores"])
    assert not torch.equal(own.network.train()(batch, ("scores",))["scores"], taught.network.train()(batch, ("scores",))["scores"])


def test_samples_stand_beside_what_was_read_and_what_was_right() -> None:
    built = reversal("cell")
    assert built.data.valid is not None
    columns = samples(Predictor(built.network, built.plan, built.data.facts), built.data.valid)

    assert list(columns) == ["source", "true_target", "target"]
    assert columns["true_target"] == [text[::-1] for text in columns["source"]]


def test_a_loop_is_smaller_in_training_than_in_decoding() -> None:
    assert plan_text(reversal("cell").plan).rpartition("\n\n")[2] == (
        "node      training           generating\n"
        "read      all ticks at once  before the first symbol\n"
        "encoder   all ticks at once  before the first symbol\n"
        "word      is target          chosen from scores\n"
        "write     all ticks at once  symbol by symbol\n"
        "decoder   all ticks at once  symbol by symbol\n"
        "look      all ticks at once  symbol by symbol\n"
        "scores    all ticks at once  symbol by symbol\n"
        "in loops  0 nodes            5 nodes\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("prev(word) -> write", "target -> write", "target-unknown"),
        ("encoder -> look.memory", "write -> look.memory", "target-unknown"),
        ("prev(word) -> write", "word -> write", "undelayed-cycle"),
        ("scores -> word", "encoder -> word", "shape-mismatch"),
        ("  - scores -> word\n", "", "unfed-node"),
        ("  word: {search", "  world: {search", "unknown-name"),
        ("width: 3, ", "temperature: 0.5, ", "conflicting-keys"),
    ],
)
def test_what_cannot_generate_is_refused(old: str, new: str, wanted: str) -> None:
    nodes, edges = DECODERS["cell"]
    text = HEAD + nodes + TAIL % ("", edges)
    assert old in text

    assert wanted in check(text.replace(old, new)).report.ids


def test_a_decoder_that_reads_backwards_is_refused() -> None:
    nodes, edges = DECODERS["repeated"]
    text = HEAD + nodes.replace("units: 24}", "units: 24, bidirectional: true}", 1) + TAIL % ("", edges)

    assert check(text).report.ids == ["sequence-in-loop"]


def test_a_decoder_that_looks_at_all_symbols_is_told_to_look_back() -> None:
    nodes, edges = DECODERS["self-attention"]
    findings = check(HEAD + nodes.replace(", causal: true", "", 1) + TAIL % ("", edges)).report

    assert findings.ids == ["target-unknown"]
    assert "`causal: true` in `back`" in str(findings[0].help)


def test_a_decoder_that_looks_at_later_symbols_is_refused() -> None:
    nodes, edges = DECODERS["convolution"]
    (finding,) = check(HEAD + nodes.replace("far: {type: causal_conv", "far: {type: conv_time") + TAIL % ("", edges)).report

    assert finding.id == "sequence-in-loop"
    assert "`causal_conv`" in str(finding.help)


def test_a_decoder_may_be_a_block() -> None:
    block = """
blocks:
  writer:
    nodes:
      write: {type: embedding, units: 12}
      cell: {type: gru, units: 24}
      scores: {type: linear, units: target}
      word: {type: choice, target: target}
    edges:
      - input.initial -> cell.initial
      - prev(word) -> write -> cell -> scores -> word
"""
    nodes = "nodes:\n  read: {type: embedding, units: 12}\n  encoder: {type: gru, units: 24}\n  out: {type: block, block: writer}\n"
    edges = "edges:\n  - source -> read -> encoder\n  - encoder.state -> out.initial\n"
    rest = "train: {loss: {type: cross_entropy, input: out/scores, target: target}, epochs: 1}\ndecode: {out/word: {max_length: 5}}\n"
    columns = {"source": words(), "target": [word[::-1] for word in words()]}
    built = build(HEAD.partition("nodes:")[0] + block.lstrip() + nodes + edges + rest, columns)

    assert len(generate(built.network, built.data.train.batch(built.data.train.rows[:2]), Decode(max_length=5))) == 2


def test_a_prompt_does_not_count_as_written() -> None:
    built = reversal("cell")
    forced = Predictor(built.network, built.plan, built.data.facts).symbols("abcabcabc")
    assert forced is not None
    (found,) = generate(built.network, built.data.train.batch(built.data.train.rows[:1]), Decode(max_length=2), forced=forced)

    assert found[0].symbols[:9] == tuple(forced.tolist())
    assert len(found[0].symbols) <= 11


def test_running_statistics_count_a_batch_once_though_there_are_two_passes() -> None:
    nodes, edges = DECODERS["cell"]
    nodes += "  both: {type: concat}\n  norm: {type: batch_norm}\n"
    edges = edges.replace("decoder, look -> scores", "decoder, look -> both -> norm -> scores")
    found = []
    for option in ("", ", feedback: 1e-9"):
        built = build(HEAD + nodes + TAIL % (option, edges), {"source": words(), "target": [word[::-1] for word in words()]})
        built.network.train()(built.data.train.batch(built.data.train.rows[:8]), ("scores",))
        found.append(torch.cat([buffer.flatten() for buffer in built.network.buffers()]))

    assert torch.equal(*found)
