"""Texts that frames spell, found from the scores of all frames: by one way through them, or by a beam of beginnings."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from nnrun.registry.data.tokens import BEGIN, END, PADDING, UNKNOWN
from nnrun.registry.modules.ctc import BLANK
from nnrun.registry.modules.padding import real_ticks
from nnrun.runner.compiler.language.decoding import WIDTH, Decode
from nnrun.runner.engine.inference.search import Hypothesis, drawn, penalty
from nnrun.runner.engine.network.symbols import NEVER


def transcribe(scores: Tensor, lengths: Tensor, settings: Decode, generator: Generator | None = None) -> list[list[Hypothesis]]:
    """Of scores (T, B, K) of so many frames, (B,), the texts of each example, the best first."""
    log_p = spelling(scores).log_softmax(-1)
    if settings.search == "beam":
        return _Beginnings(log_p, lengths, settings).found()
    count = settings.n_best
    log_p, lengths = log_p.repeat_interleave(count, 1), lengths.repeat_interleave(count)
    chosen = drawn(log_p.flatten(0, 1), settings, generator).view(log_p.shape[:2]) if settings.search == "sample" else log_p.argmax(-1)
    gained = log_p.gather(2, chosen.unsqueeze(2)).squeeze(2)
    is_real = real_ticks(lengths, len(log_p))
    totals = torch.where(is_real, gained, 0).sum(0).tolist()
    ways = torch.where(is_real, chosen, BLANK).T.tolist()
    made = [_hypothesis(spelt(way), total, settings) for way, total in zip(ways, totals, strict=True)]
    return [sorted(made[start : start + count], key=lambda one: -one.score) for start in range(0, len(made), count)]


def spelling(scores: Tensor) -> Tensor:
    """Scores of the symbols that a frame may have: a blank, or one that is written."""
    scores = scores.float().clone()
    scores[..., [UNKNOWN, BEGIN, END]] = NEVER
    return scores


def spelt(way: list[int]) -> list[int]:
    """The text of a way through the frames: repeated symbols are one, and blanks are none."""
    return [symbol for symbol, before in zip(way, [BLANK, *way], strict=False) if symbol not in (before, BLANK)]


def _hypothesis(symbols: list[int], score: float, settings: Decode) -> Hypothesis:
    return Hypothesis(tuple(symbols[: settings.max_length]), score, len(symbols) < settings.max_length)


class _Beginnings:
    """The likeliest beginnings of each example, frame by frame, each with the probability of all ways that were met which spell it.

    No two that are alive are the same. Source: Hannun et al. 2014, algorithm 1, without a language model.
    """

    def __init__(self, log_p: Tensor, lengths: Tensor, settings: Decode) -> None:
        self.settings, self.lengths, width = settings, lengths.to(log_p.device), settings.width or WIDTH
        examples = log_p.shape[1]
        self.symbols = torch.full((examples, width, min(settings.max_length, len(log_p))), PADDING, device=log_p.device)
        self.length = torch.zeros(examples, width, dtype=torch.long, device=log_p.device)
        self.in_blank = log_p.new_full((examples, width), NEVER)
        """Log probabilities of the ways that end in a blank."""
        self.in_symbol = self.in_blank.clone()
        """Of those that end in the last symbol."""
        self.in_blank[:, 0] = 0.0
        for tick, now in enumerate(log_p):
            self._go_on(now, self.lengths > tick)

    def found(self) -> list[list[Hypothesis]]:
        total = torch.logaddexp(self.in_blank, self.in_symbol)
        rows = zip(self.symbols.tolist(), self.length.tolist(), total.tolist(), strict=True)
        made = [[self._made(*one) for one in zip(*row, strict=True) if one[2] > NEVER] for row in rows]
        return [sorted(row, key=lambda one: -one.score)[: self.settings.n_best] for row in made]

    def _made(self, symbols: list[int], length: int, total: float) -> Hypothesis:
        return _hypothesis(symbols[:length], total / penalty(self.settings, length), self.settings)

    def _go_on(self, log_p: Tensor, running: Tensor) -> None:
        """Read a frame, (B, K), of the examples that have it, (B,)."""
        examples, width, room = self.symbols.shape
        both, last = torch.logaddexp(self.in_blank, self.in_symbol), self._last()
        longer = both.unsqueeze(2) + log_p.unsqueeze(1)  # (B, W, K): with one more symbol
        again = last.unsqueeze(2)
        longer = longer.scatter(2, again, self.in_blank.unsqueeze(2) + log_p.gather(1, last).unsqueeze(2))  # a blank parts two alike
        longer[..., BLANK] = NEVER
        longer = longer.masked_fill((self.length >= room).unsqueeze(2), NEVER)
        in_blank = both + log_p[:, BLANK : BLANK + 1]
        in_symbol = torch.where(self.length > 0, self.in_symbol + log_p.gather(1, last), NEVER)

        met, parent = self._parents(both > NEVER)
        flat, at = longer.view(examples, -1), parent * log_p.shape[1] + last
        in_symbol = torch.logaddexp(in_symbol, torch.where(met, flat.gather(1, at), NEVER))
        flat = flat.scatter_reduce(1, at, torch.where(met, NEVER, float("inf")).to(flat.dtype), "amin")

        total, best = torch.cat([torch.logaddexp(in_blank, in_symbol), flat], 1).topk(width)
        if self.settings.prune is not None:
            total = total.masked_fill(total < total[:, :1] - self.settings.prune, NEVER)
        stays = best < width
        place = torch.where(stays, best, (best - width) // log_p.shape[1])
        added = torch.where(stays, PADDING, (best - width) % log_p.shape[1])
        written = self.symbols.gather(1, place.unsqueeze(2).expand(-1, -1, room))
        length = self.length.gather(1, place)
        end = length.clamp(max=room - 1).unsqueeze(2)
        written = written.scatter(2, end, torch.where(stays.unsqueeze(2), written.gather(2, end), added.unsqueeze(2)))
        alive = total > NEVER
        self.in_blank = torch.where(running.unsqueeze(1), torch.where(alive & stays, in_blank.gather(1, place), NEVER), self.in_blank)
        ending = torch.where(stays, in_symbol.gather(1, place), total)
        self.in_symbol = torch.where(running.unsqueeze(1), torch.where(alive, ending, NEVER), self.in_symbol)
        self.symbols = torch.where(running.view(-1, 1, 1), written, self.symbols)
        self.length = torch.where(running.unsqueeze(1), length + ~stays, self.length)

    def _last(self) -> Tensor:
        """The last symbol of each, (B, W); of none, a blank."""
        return self.symbols.gather(2, (self.length - 1).clamp(min=0).unsqueeze(2)).squeeze(2)

    def _parents(self, alive: Tensor) -> tuple[Tensor, Tensor]:
        """Which beginnings are another one and a symbol, (B, W), and which one that is."""
        one, other = self.length.unsqueeze(1), self.length.unsqueeze(2)  # other[b, j, i]: of the longer; one: of the shorter
        place = torch.arange(self.symbols.shape[2], device=alive.device)
        same = (self.symbols.unsqueeze(1) == self.symbols.unsqueeze(2)) | (place >= one.unsqueeze(3))
        is_parent = same.all(3) & (one + 1 == other) & alive.unsqueeze(1) & alive.unsqueeze(2)
        return is_parent.any(2), is_parent.int().argmax(2)
