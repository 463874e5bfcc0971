"""Rated sentences about films."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.tables import PackagedSource
from nnrun.registry.source import Column

_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"

_UNDECIDED = 0.5
"""Mean ratings closer to 0 than this name no sentiment."""


@register
class MovieReviews(PackagedSource):
    """10,072 sentences of film reviews, half of them positive, half negative.

    Several people rated each sentence from -4 to 4; the label is the sign of the mean, and sentences within 0.5 of zero are
    left out. The sentences lie in the source archive of the package vaderSentiment 3.3.2 (MIT licence), which is fetched
    once by pip, checked and cached. Nearly sorted by class.

    Baselines: the commoner label 0.504; logistic regression on TF-IDF of single words 0.786, of words and pairs (sublinear,
    C = 10) 0.804 (5-fold cross-validation).
    Raises: SourceError without a cached archive and without a network.
    Source: Hutto & Gilbert 2014, VADER: a parsimonious rule-based model for sentiment analysis of social media text; the
    sentences are of the reviews of Pang & Lee 2004.
    """

    source: Literal["movie_reviews"]

    def columns(self) -> Mapping[str, Column]:
        return {
            "text": Column("text", about="the sentence"),
            "label": Column("category", {"classes": ("negative", "positive")}),
            "rating": Column("number", about="the mean rating, from -4 to 4"),
        }

    def table(self) -> Mapping[str, Any]:
        rows = [(text, rating) for rating, text in _sentences() if abs(rating) >= _UNDECIDED]
        return {
            "text": [text for text, _ in rows],
            "label": ["positive" if rating > 0 else "negative" for _, rating in rows],
            "rating": [rating for _, rating in rows],
        }


def _sentences() -> list[tuple[float, str]]:
    from nnrun.registry.data.fetch import member, source_archive

    outer = source_archive("vaderSentiment", "3.3.2", _SHA256)
    inner = member(outer, "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz")
    lines = member(inner, "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt").decode().split("\r\n")
    fields = (line.split("\t") for line in lines if line)
    return [(float(rating), text) for _, rating, text in fields]
