"""Ways out of the folder of a spec, and places that never end: in each key and each file that holds a path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.attacks import Attack
from tests.faults.support import planted, read_confined, sound, spec


def circle(place: Path) -> None:
    place.symlink_to(place.name)


def two_circles(place: Path) -> None:
    other = place.with_name("other")
    other.symlink_to(place.name)
    place.symlink_to("other")


WAYS: dict[str, tuple[str, Callable[[Path], None] | None]] = {
    "above": ("../outside/secret.csv", None),
    "far above": ("../" * 40 + "etc/passwd", None),
    "through the folder": ("./b/../../outside/secret.csv", None),
    "absolute": ("/etc/passwd", None),
    "home": ("~/.ssh/id_rsa", None),
    "nobody's home": ("~nosuchuser/a.csv", None),
    "nothing": ("a\\0b.csv", None),
    "long": ("x" * 5000, None),
    "long by parts": ("x/" * 3000, None),
    "environment": ("/proc/self/environ", None),
    "standard input": ("/dev/stdin", None),
    "zeros": ("/dev/zero", None),
    "web": ("http://127.0.0.1:9/a.csv", None),
    "file address": ("file:///etc/passwd", None),
    "bucket": ("s3://bucket/a.csv", None),
    "share": ("\\\\\\\\server\\\\share\\\\a.csv", None),
    "percent": ("%2e%2e/outside/secret.csv", None),
    "link": ("b", lambda place: place.symlink_to("../outside/secret.csv")),
    "linked folder": ("b/secret.csv", lambda place: place.symlink_to("../outside")),
    "circle": ("b", circle),
    "two circles": ("b", two_circles),
    "through a circle": ("b/a.csv", circle),
    "pipe": ("b", os.mkfifo),
    "folder": ("b", Path.mkdir),
    "linked device": ("b", lambda place: place.symlink_to("/dev/zero")),
    "through a file": ("a.csv/b", None),
}
FOLDER = spec("image_folder", 'folder: "{}"', "{type: image, column: image}")
KEYS = {
    "csv": spec(where='file: "{}"'),
    "a part": spec(where='files: {train: a.csv, test: "{}"}'),
    "npz": spec("npz", 'file: "{}"'),
    "parquet": spec("parquet", 'file: "{}"'),
    "folder of pictures": FOLDER.replace("y: {type: number}", "y: {type: category, column: label}"),
    "tokenizer": spec(x='{type: text, tokens: "{}.json"}'),
}


def paths() -> list[Attack]:
    """All of them."""
    return list(_paths())


def _paths() -> Iterator[Attack]:
    for number, (way, (path, make)) in enumerate(WAYS.items()):
        for key, text in KEYS.items():
            if key == "folder of pictures" and way == "folder":
                continue
            if key in ("npz", "parquet") and number % 2:
                continue
            files = {} if make is None else {"b": make}
            yield Attack(f"{way} as {key}", planted(text.replace("{}", path), **files), read_confined)
        if make is None and "\\" not in path:
            cells = "x,y\n" + f"{path},1\n" * 5
            yield Attack(f"{way} in a cell", planted(spec(x="{type: image}"), a__csv=cells.encode()), read_confined)
    for way, link in {"link": "../../outside/secret.csv", "circle": "a.png", "device": "/dev/zero"}.items():
        yield Attack(f"{way} among pictures", _folder_with(link), read_confined)
    yield Attack("pipe among pictures", _folder_with(None), read_confined)


def _folder_with(link: str | None) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        sound(folder)
        (folder / "spec.yaml").write_text(KEYS["folder of pictures"].replace("{}", "pictures"))
        (folder / "pictures" / "one").mkdir(parents=True)
        place = folder / "pictures" / "one" / "a.png"
        if link is None:
            os.mkfifo(place)
        else:
            place.symlink_to(link)

    return plant
