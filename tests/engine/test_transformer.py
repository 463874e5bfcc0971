"""A transformer layer written in edges, beside torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from nnrun.runner.engine.data.batch import Batch
from tests.engine.support import Built, build

TEXT = """\
nnrun: 1
name: text
data:
  source: csv
  file: text.csv
  fields:
    text: {type: text}
    label: {type: category, classes: [bad, good]}
  split: {train: 0.6, valid: 0.2, test: 0.2}
blocks:
  transformer:
    parameters: {units: 8, inner: 12, heads: 4, drop: 0}
    nodes:
      norm1:  {type: layer_norm}
      look:   {type: attention, method: multi_head, heads: $heads, causal: true}
      drop1:  {type: dropout, rate: $drop}
      seen:   {type: add}
      norm2:  {type: layer_norm}
      wide:   {type: linear, units: $inner, activation: relu}
      narrow: {type: linear, units: $units}
      drop2:  {type: dropout, rate: $drop}
      sum:    {type: add}
    edges:
%s
nodes:
  read:   {type: embedding, units: 8}
  layer:  {type: block, block: transformer}
  same:   {type: activation, function: identity}
  final:  {type: last}
  scores: {type: linear, units: label}
edges:
  - text -> read -> layer -> same -> final -> scores
train:
  loss: {type: cross_entropy, input: scores, target: label}
"""

POST_NORM = """\
      - input -> look.query
      - input -> look.memory
      - look -> drop1 -> seen
      - input -> seen -> norm1 -> wide -> narrow -> drop2 -> sum
      - norm1 -> sum -> norm2 -> output"""

PRE_NORM = """\
      - input -> norm1 -> look.query
      - norm1 -> look.memory
      - look -> drop1 -> seen
      - input -> seen -> norm2 -> wide -> narrow -> drop2 -> sum
      - seen -> sum -> output"""


def layer(edges: str) -> Built:
    """A network with such a layer, in float64, its weights not where they start."""
    texts = ["good film", "bad", "a very good film indeed", "bad film", "good", "so so bad a film", "good good", "bad bad bad a"]
    built = build(TEXT % edges, {"text": texts, "label": ["good" if "good" in text else "bad" for text in texts]})
    torch.manual_seed(0)
    for weight in built.network.double().parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    return built


def as_torch_keeps_them(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the layer, or their gradients, under torch's names: there query, key and value are one product."""
    names = {"look.output": "self_attn.out_proj", "wide": "linear1", "narrow": "linear2", "norm1": "norm1", "norm2": "norm2"}
    kept = {}
    for kind in ("weight", "bias"):
        kept[f"self_attn.in_proj_{kind}"] = torch.cat([tensors[f"look.{name}.{kind}"] for name in ("query", "key", "value")])
        for ours, theirs in names.items():
            one = tensors.get(f"{ours}.{kind}")
            kept[f"{theirs}.{kind}"] = tensors[f"{ours}.{kind}.0"] if one is None else one  # a linear node has a weight for each edge
    return kept


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_layer_has_the_values_and_gradients_of_torchs(norm_first: bool, batch_first: bool, more: int) -> None:
    built = layer(PRE_NORM if norm_first else POST_NORM)
    batch = built.data.train.batch(built.data.train.rows)
    text, lengths = batch.values["text"], batch.lengths["text"].tolist()
    assert len(set(lengths)) > 2
    longer = torch.cat([text, text.new_full((more, len(lengths)), 4)])  # padding is a word that means something
    weights = {name.removeprefix("layer/"): weight for name, weight in built.network.named_parameters()}

    y = built.network(Batch({**batch.values, "text": longer}, batch.lengths, batch.count), ("same",))["same"]
    ours = [y[:length, row] for row, length in enumerate(lengths)]

    theirs = nn.TransformerEncoderLayer(8, 4, 12, dropout=0, batch_first=batch_first, norm_first=norm_first, dtype=torch.float64)
    theirs.load_state_dict(as_torch_keeps_them(weights))
    table = weights["read.weight"].detach().clone().requires_grad_()
    x = pad_sequence([table[text[:length, row]] for row, length in enumerate(lengths)], batch_first)
    to_come = nn.Transformer.generate_square_subsequent_mask(max(lengths), dtype=torch.float64)
    y = theirs(x, src_mask=to_come, is_causal=True)
    expected = [(y[row] if batch_first else y[:, row])[:length] for row, length in enumerate(lengths)]

    torch.testing.assert_close(ours, expected)

    factors = [torch.randn_like(part) for part in expected]
    for parts in (ours, expected):
        torch.stack([(part * factor).sum() for part, factor in zip(parts, factors, strict=True)]).sum().backward()  # type: ignore[no-untyped-call]
    gradients = {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
    torch.testing.assert_close(gradients.pop("read.weight"), table.grad)
    torch.testing.assert_close(as_torch_keeps_them(gradients), {name: weight.grad for name, weight in theirs.named_parameters()})
