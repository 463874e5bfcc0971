"""Sequences of symbols found from scores: greedily, by chance, or by a beam; for a whole batch at once.

A search is told the scores of every row, an example's hypotheses being neighbours, and says which symbol each row goes on with,
and from which row it goes on. No search knows where scores come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from nnrun.registry.data.tokens import END, PADDING
from nnrun.runner.compiler.language.decoding import WIDTH, Decode
from nnrun.runner.engine.network.symbols import NEVER, allowed


@dataclass(frozen=True)
class Hypothesis:
    """A sequence, without its end symbol."""

    symbols: tuple[int, ...]
    score: float
    """By which hypotheses of an example are ranked: the sum of log probabilities in nats; in a beam divided by the length penalty."""
    ended: bool
    """It ended itself; otherwise it reached the greatest length."""


class Search(Protocol):
    rows: int
    """Hypotheses of an example that are followed at a time."""

    def advance(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """From scores of each row so far, (R, V): symbols of all rows as they are to be, and the numbers of the rows that each follows.

        Before the first symbol an example is one row, afterwards it has `rows` of them, side by side.
        """

    @property
    def over(self) -> Tensor:
        """Which examples are done, (B,)."""

    def leave(self, examples: Tensor) -> None:
        """Go on with these examples, of those that are left; the others are done."""

    def found(self) -> list[list[Hypothesis]]:
        """The hypotheses of each example, the best first."""


def search(
    settings: Decode, examples: int, device: torch.device, generator: Generator | None = None, forced: Tensor | None = None
) -> Search:
    """The search that `decode` asks for. `forced` (P,) are symbols that every sequence begins with."""
    return (Beam if settings.search == "beam" else Paths)(settings, examples, device, generator, forced)


def several(settings: Decode, count: int) -> Decode:
    """The same search for so many sequences."""
    change: dict[str, Any] = {"n_best": count}
    if settings.search == "greedy" and count > 1:  # there is one best symbol, so several sequences are drawn
        change["search"] = "sample"
    if settings.search == "beam":
        change["width"] = max(count, settings.width or WIDTH)
    return settings.model_copy(update=change)


class Paths:
    """One way from symbol to symbol in each row: the best at each tick, or one drawn."""

    def __init__(self, settings: Decode, examples: int, device: torch.device, generator: Generator | None, forced: Tensor | None) -> None:
        self.settings, self.generator, self.forced = settings, generator, forced
        self.rows = settings.n_best
        self.symbols: list[Tensor] = []
        self.total = torch.zeros(examples * self.rows, device=device)
        self.length = torch.full((examples * self.rows,), settings.max_length, device=device)
        self.left = torch.arange(examples, device=device)
        """Numbers of the examples that are not done."""

    def advance(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        tick, at = len(self.symbols), self._rows_left()
        follow = torch.arange(len(at), device=at.device)
        if tick == 0:
            follow = follow // self.rows
        given = self.forced is not None and tick < len(self.forced)
        scores = allowed(scores, unknown=given)[follow]
        log_p = scores.log_softmax(-1)
        if self.forced is not None and given:
            chosen = self.forced[tick].expand(len(scores))
        elif self.settings.search == "sample":
            chosen = drawn(scores, self.settings, self.generator)
        else:
            chosen = scores.argmax(-1)
        running = self.length[at] > tick
        chosen = torch.where(running, chosen, PADDING)
        gained = log_p.gather(1, chosen.unsqueeze(1)).squeeze(1)
        self.total[at] += torch.where(running, gained, 0)
        self.length[at] = torch.where(running & (chosen == END), tick, self.length[at])
        whole = torch.full_like(self.length, PADDING)
        whole[at] = chosen
        self.symbols.append(whole)
        return chosen, follow

    @property
    def over(self) -> Tensor:
        return (self.length[self._rows_left()] <= len(self.symbols)).view(-1, self.rows).all(1)

    def leave(self, examples: Tensor) -> None:
        self.left = self.left[examples]

    def found(self) -> list[list[Hypothesis]]:
        symbols = torch.stack(self.symbols, 1).tolist()
        made = [
            Hypothesis(tuple(row[:length]), total, length < self.settings.max_length)
            for row, length, total in zip(symbols, self.length.tolist(), self.total.tolist(), strict=True)
        ]
        rows = [made[start : start + self.rows] for start in range(0, len(made), self.rows)]
        return [sorted(row, key=lambda one: -one.score) for row in rows]

    def _rows_left(self) -> Tensor:
        return (self.left.unsqueeze(1) * self.rows + torch.arange(self.rows, device=self.left.device)).flatten()


def drawn(scores: Tensor, settings: Decode, generator: Generator | None) -> Tensor:
    """Of scores (R, V) a symbol for each row by its probability, of the likeliest where so asked.

    Source: Holtzman et al. 2020, section 3.1 (top p).
    """
    scores = scores / (settings.temperature or 1.0)
    if settings.top_k is not None and settings.top_k < scores.shape[-1]:
        least = scores.topk(settings.top_k).values[:, -1:]
        scores = scores.masked_fill(scores < least, NEVER)
    if settings.top_p is not None:
        ordered, places = scores.sort(descending=True)
        shares = ordered.softmax(-1)
        beyond = shares.cumsum(-1) - shares >= settings.top_p  # the symbol that reaches the share is still in
        scores = scores.masked_fill(torch.zeros_like(beyond).scatter(1, places, beyond), NEVER)
    return torch.multinomial(scores.softmax(-1), 1, generator=generator).squeeze(1)


def penalty(settings: Decode, length: int) -> float:
    """By which the score of a hypothesis of this length is divided in a beam."""
    return float(((5 + length) / 6) ** (settings.length_penalty or 0.0))


class Beam:
    """The best hypotheses of every length so far; those that end are put aside, and never grow.

    Source: Sutskever, Vinyals and Le 2014, section 3.2; Wu et al. 2016, section 7 (length penalty).
    """

    def __init__(self, settings: Decode, examples: int, device: torch.device, generator: Generator | None, forced: Tensor | None) -> None:
        self.settings, self.forced = settings, forced
        self.rows = settings.width or WIDTH
        self.live = torch.zeros(examples, 1, device=device)
        """Log probabilities of the hypotheses that go on, the best first."""
        self.live_symbols = torch.empty(examples, 1, 0, dtype=torch.long, device=device)
        count, length = settings.n_best, settings.max_length
        self.aside = torch.full((examples, count), NEVER, device=device)
        self.aside_symbols = torch.full((examples, count, length), PADDING, device=device)
        self.aside_length = torch.zeros(examples, count, dtype=torch.long, device=device)
        self.left = torch.arange(examples, device=device)
        self.tick = 0
        self.ended = torch.zeros(examples, count, dtype=torch.bool, device=device)

    def advance(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        examples, symbols = len(self.live), scores.shape[-1]
        given = self.forced is not None and self.tick < len(self.forced)
        log_p = allowed(scores, unknown=given).log_softmax(-1).view(examples, -1, symbols)
        if self.forced is not None and given:
            only = torch.full_like(log_p, NEVER)
            only[..., self.forced[self.tick]] = log_p[..., self.forced[self.tick]]
            log_p = only
        total = self.live.unsqueeze(2) + log_p
        self._put_aside(total[..., END], self.tick, ended=True)
        total[..., END] = NEVER
        before, ranked = total.shape[1], total.view(examples, -1)
        if ranked.shape[1] < self.rows:  # fewer symbols than hypotheses: the others are dead
            ranked = F.pad(ranked, (0, self.rows - ranked.shape[1]), value=NEVER)
        self.live, best = ranked.topk(self.rows)
        parents, chosen = (best // symbols).clamp(max=before - 1), best % symbols
        if self.settings.prune is not None:
            self.live = self.live.masked_fill(self.live < self.live[:, :1] - self.settings.prune, NEVER)
        written = self.live_symbols.gather(1, parents.unsqueeze(2).expand(-1, -1, self.tick))
        self.live_symbols = torch.cat([written, chosen.unsqueeze(2)], 2)
        self.tick += 1
        if self.tick == self.settings.max_length:
            self._put_aside(self.live, self.tick, ended=False)
            self.live = torch.full_like(self.live, NEVER)
        rows = torch.arange(examples, device=parents.device).unsqueeze(1) * before + parents
        return chosen.flatten(), rows.flatten()

    @property
    def over(self) -> Tensor:
        # A live hypothesis only loses, so it can at best end with what it has, at the length that is penalised least.
        reachable = self.live[:, 0] / penalty(self.settings, self.settings.max_length)
        return reachable <= self.aside[self.left][:, -1]

    def leave(self, examples: Tensor) -> None:
        self.left, self.live, self.live_symbols = self.left[examples], self.live[examples], self.live_symbols[examples]

    def found(self) -> list[list[Hypothesis]]:
        rows = zip(self.aside_symbols.tolist(), self.aside_length.tolist(), self.aside.tolist(), self.ended.tolist(), strict=True)
        return [
            [
                Hypothesis(tuple(symbols[:length]), score, ended)
                for symbols, length, score, ended in zip(*example, strict=True)
                if score > NEVER
            ]
            for example in rows
        ]

    def _put_aside(self, totals: Tensor, length: int, *, ended: bool) -> None:
        """Keep the best of those aside and of the live ones, as they are now: (B, K) log probabilities, so many symbols long."""
        at, count = self.left, self.aside.shape[1]
        scores, rows = (totals / penalty(self.settings, length + ended)).topk(min(count, totals.shape[1]))
        before = self.live_symbols.gather(1, rows.unsqueeze(2).expand(-1, -1, length))
        symbols = F.pad(before, (0, self.settings.max_length - length), value=PADDING)
        self.aside[at], best = torch.cat([self.aside[at], scores], 1).topk(count)
        lengths = torch.cat([self.aside_length[at], torch.full_like(rows, length)], 1)
        self.aside_length[at] = lengths.gather(1, best)
        flags = torch.cat([self.ended[at], torch.full_like(scores, ended, dtype=torch.bool)], 1)
        self.ended[at] = flags.gather(1, best)
        both = torch.cat([self.aside_symbols[at], symbols], 1)
        self.aside_symbols[at] = both.gather(1, best.unsqueeze(2).expand(-1, -1, both.shape[2]))
