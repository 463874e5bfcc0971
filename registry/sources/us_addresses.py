"""Addresses of the United States, each word tagged by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.fetch import member, source_archive
from nnrun.registry.data.tables import PackagedSource
from nnrun.registry.source import Column

_SHA256 = "f7e614e2489c159cf85be1b6f86edbfaf329dbeedef4d002a025757afd1ec6c6"

KINDS = (
    "AddressNumber", "AddressNumberPrefix", "AddressNumberSuffix", "BuildingName", "CornerOf", "CountryName", "IntersectionSeparator",
    "LandmarkName", "NotAddress", "OccupancyIdentifier", "OccupancyType", "PlaceName", "Recipient", "StateName", "StreetName",
    "StreetNamePostDirectional", "StreetNamePostModifier", "StreetNamePostType", "StreetNamePreDirectional", "StreetNamePreModifier",
    "StreetNamePreType", "SubaddressIdentifier", "SubaddressType", "USPSBoxGroupID", "USPSBoxGroupType", "USPSBoxID", "USPSBoxType",
    "ZipCode", "ZipPlus4",
)  # fmt: skip
"""What a part of an address may be, as the United States Thoroughfare, Landmark, and Postal Address Data Standard calls it."""

SHORT = (
    "AddressNumberPrefix", "AddressNumberSuffix", "IntersectionSeparator", "StreetNamePostModifier", "StreetNamePreDirectional",
    "StreetNamePreModifier", "ZipPlus4",
)  # fmt: skip
"""Of these, what is one word wherever it occurs."""

TAGS = tuple(f"{prefix}-{kind}" for kind in KINDS for prefix in ("B" if kind in SHORT else "BI"))

_FORMS = (("[0-9]", "0"), ("[A-Z]{2,}", "AA"), ("[A-Z]", "A"), ("[a-z]+", "a"))


@register
class UsAddresses(PackagedSource):
    """1,488 addresses of the United States as people write them, such as `9265 Huer Huero Road, Creston, 93432`, cut into 10,554 words of
    which each is tagged by hand with what it is part of: 29 kinds, from house numbers to post boxes. Words of one kind that follow each
    other are one part: the first is tagged `B-`, the others `I-`.

    They lie in the source archive of the package usaddress 0.5.16 (MIT licence), which is fetched once by pip, checked and cached; an
    address that occurs twice is here once.

    Baselines, F1 of the parts on a random test part: the commonest tag of each word 0.56; logistic regression on each word and its
    neighbours 0.88.
    Raises: SourceError without a cached archive and without a network.
    Source: Gregg, Deng, Batchkarov and Cochrane 2014, usaddress, a Python library for parsing unstructured United States address strings.
    """

    source: Literal["us_addresses"]

    def columns(self) -> Mapping[str, Column]:
        return {
            "words": Column("text", {"tokens": "given"}, "Huer, Road, and 93432"),
            "forms": Column("category", {"along": "words"}, "how each word is written: a name as Aa, a number as 0000"),
            "tags": Column("category", {"along": "words", "classes": TAGS}),
        }

    def table(self) -> Mapping[str, Any]:
        rows = list(dict.fromkeys(_addresses()))
        words = [[word for word, _ in row] for row in rows]
        return {
            "words": words,
            "forms": [[_form(word) for word in row] for row in words],
            "tags": [_tags([kind for _, kind in row]) for row in rows],
        }


def _addresses() -> list[tuple[tuple[str, str], ...]]:
    """Words and kinds of each address."""
    from xml.etree.ElementTree import fromstring

    archive = source_archive("usaddress", "0.5.16", _SHA256)
    root = fromstring(member(archive, "usaddress-0.5.16/training/labeled.xml"))
    return [tuple((str(part.text).strip(), part.tag) for part in address) for address in root]


def _tags(kinds: list[str]) -> list[str]:
    return [f"{'I' if before == kind else 'B'}-{kind}" for before, kind in pairwise(["", *kinds])]


def _form(word: str) -> str:
    """A word with each digit as 0, each run of small letters as a, and of capitals as A or AA."""
    for letters, sign in _FORMS:
        word = re.sub(letters, sign, word)
    return word
