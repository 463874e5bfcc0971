"""Dotted paths for people: each by its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each dotted path by its last part, or as many more as tell it from the others."""
    result = {}
    for path in paths:
        parts = path.split(".")
        endings = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        alone = (ending for ending in endings if sum(other == ending or other.endswith(f".{ending}") for other in paths) == 1)
        result[path] = next(alone, path)
    return result


def differences(settings: Iterable[str]) -> str:
    """`path=value` texts in short: `lr=0.01 units=16`. Of one path the last counts."""
    values = {path.strip(): value.strip() for path, _, value in (setting.partition("=") for setting in settings)}
    return " ".join(f"{short}={values[path]}" for path, short in short_names(list(values)).items())
