"""Where the time of a run went, as a text."""

from __future__ import annotations

from nnrun.runner.spans import Profile


def profile_text(profile: Profile) -> str:
    """A line for each kind of work, the longest first."""
    shares = profile.shares()
    total = sum(seconds for seconds, _ in shares.values())
    width = max(map(len, shares))
    lines = [f"{name:<{width}}  {seconds:8.3f} s  {seconds / total:4.0%}  {count:>9,} x" for name, (seconds, count) in shares.items()]
    return "\n".join([f"{'where the time went':<{width}}  {total:8.3f} s", *lines, ""])
