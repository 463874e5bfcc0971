"""Addresses of stores as people and files may see them: without the user and the password that may stand in them."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^\s/]*@")
_VALUE = re.compile(r"(?<=[?&;])((?:\w*(?:password|passwd|secret|token)|pwd|user\w*|uid)=)[^\s&;'\"`]*", re.IGNORECASE)


def public(uri: str) -> str:
    """The address without user, password and options, of which some databases take a password, too."""
    if uri.startswith("sqlite:"):
        return uri
    scheme, mark, rest = uri.partition("://") if "://" in uri else ("", "", uri)
    host, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def scrubbed(text: str) -> str:
    """A text of somebody else's, such as an error of MLflow's, with what addresses in it hide left out."""
    return _VALUE.sub(r"\1…", _USER.sub("", text))
