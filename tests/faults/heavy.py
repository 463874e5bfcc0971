"""Specs that mean to take long: as much of one thing as a megabyte holds, or as the language allows."""

from __future__ import annotations

from collections.abc import Iterator

HEAD = "nnrun: 1\nname: heavy\ndata: {source: digits, fields: {image: {type: image}, digit: {type: category}}}\n"
LOSS = "loss: {type: cross_entropy, input: scores, target: digit}"
ENDS = "  flat: {type: flatten}\n  scores: {type: linear, units: digit}\n"


def heavy() -> Iterator[tuple[str, str]]:
    """Each with what it has too much of."""
    yield "nodes in a chain", _chain(3000)
    yield "nodes in a chain that is a circle", _chain(3000).replace("edges:\n", "edges:\n  - n2999 -> n0\n")
    yield "nodes side by side", _wide(3000)
    yield "nodes that nothing feeds", HEAD + _nodes(10_000) + "edges: [image -> flat -> scores]\n" + f"train: {{{LOSS}}}\n"
    yield "stages", _stages(1000, 2000)
    yield "loops", _loops(1500)
    yield "a loop of many nodes", _loop(1500)
    yield "groups that are all joined", _groups(200)
    yield "groups of many units", _units()
    yield "a masked grid", _units("{edge: v <-> v, mask: {type: grid, reach: 200}}", 10_000)
    yield "a random mask", _units("{edge: v <-> v, mask: random}", 20_000)
    yield "findings on one line", "{" + ", ".join(f"k{number}: 1" for number in range(60_000)) + "}\n"
    yield "findings on one line of wide signs", "{" + ", ".join(f"語{number}: 1" for number in range(30_000)) + "}\n"
    yield (
        "unknown names in one line",
        _chain(5).replace("edges:\n", f"edges:\n  - {', '.join(f'x{number}' for number in range(900))} -> flat\n"),
    )
    yield "unknown names in a folded text", _folded()
    yield "edges in one entry", _chain(300).replace("edges:\n", f"edges:\n  - {_all(300)} -> {_all(300)}\n")
    yield "blocks in blocks", _blocks(30, 4)
    yield "uses of a block", _uses(2000)
    yield "fields", _fields(5000)
    yield "classes", _chain(2).replace("{type: category}", f"{{type: category, classes: [{', '.join(f'c{n}' for n in range(90_000))}]}}")
    yield "metrics", _chain(2) + f"metrics: [{', '.join(['accuracy'] * 30_000)}]\n"
    yield "losses", _chain(2).replace(LOSS, f"loss: [{', '.join(['{type: cross_entropy, input: scores, target: digit}'] * 10_000)}]")
    yield "values of a sweep", _swept(2000)
    yield "settings of a sweep", _swept(1, 3000)
    yield "a description", _chain(2) + f"description: {'a ' * 500_000}\n"
    yield (
        "aliases of aliases",
        "a: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
    )
    yield "merges of merges", "a: &m0 {x: 1}\n" + "".join(f"a{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 40))
    yield "open brackets", "[" * 200_000
    yield "a number", f"nnrun: {'9' * 200_000}\n"
    yield "a key", f"? {'k' * 1_000_000}\n: 1\n"
    yield "lines", "\n" * 1_000_000
    yield "comments", "#\n" * 500_000
    yield "zero bytes", "\0" * 1_000_000
    yield "a formula", _formula()


def _nodes(count: int) -> str:
    return "nodes:\n" + ENDS + "".join(f"  n{number}: {{type: linear, units: 8}}\n" for number in range(count))


def _all(count: int) -> str:
    return ", ".join(f"n{number}" for number in range(count))


def _chain(count: int) -> str:
    edges = "".join(f"  - n{number} -> n{number + 1}\n" for number in range(count - 1))
    return f"{HEAD}{_nodes(count)}edges:\n  - image -> flat -> n0\n{edges}  - n{count - 1} -> scores\ntrain: {{{LOSS}}}\n"


def _wide(count: int) -> str:
    return f"{HEAD}{_nodes(count)}edges:\n  - image -> flat -> {_all(count)} -> scores\ntrain: {{{LOSS}}}\n"


def _stages(stages: int, nodes: int) -> str:
    return _chain(nodes).replace(f"train: {{{LOSS}}}\n", "train:\n" + f"  - {{{LOSS}}}\n" * stages)


def _loops(count: int) -> str:
    late = "".join(f"  - prev(n{number}) -> n{number}\n" for number in range(count))
    return _filmed(_chain(count).replace("edges:\n", f"edges:\n{late}"))


def _loop(count: int) -> str:
    return _filmed(_chain(count).replace("edges:\n", f"edges:\n  - prev(n{count - 1}) -> n0\n"))


def _filmed(text: str) -> str:
    """The same over films."""
    text = text.replace("digits", "digit_films").replace("image: {type: image}", "film: {type: video}").replace("image ->", "film ->")
    return text.replace("digit:", "labels:").replace("units: digit", "units: labels").replace("target: digit", "target: labels")


def _groups(count: int) -> str:
    nodes = "nodes:\n" + "".join(f"  n{number}: {{type: binary_units, units: 4}}\n" for number in range(count))
    edges = [f"  - n{one} <-> n{other}\n" for one in range(count) for other in range(one)]
    return f"{HEAD}{nodes}edges:\n  - image -> n0\n{''.join(edges)}train: {{learner: contrastive_divergence}}\n"


def _units(edge: str = "v <-> h", units: int = 2**31 - 1) -> str:
    nodes = f"nodes: {{v: {{type: binary_units, units: {units}}}, h: {{type: binary_units, units: {units}}}}}\n"
    return f"{HEAD}{nodes}edges: [{edge}, image -> h]\ntrain: {{learner: contrastive_divergence}}\n"


def _folded() -> str:
    names = ",\n    ".join(f"unknown{number}" for number in range(900))
    return _chain(5).replace("edges:\n", f'edges:\n  - "{names}\n    -> flat"\n')


def _blocks(depth: int, uses: int) -> str:
    lines = ["blocks:", "  b0: {nodes: {a: {type: linear, units: 8}}, edges: [input -> a -> output]}"]
    for level in range(1, depth):
        nodes = ", ".join(f"u{use}: {{type: block, block: b{level - 1}}}" for use in range(uses))
        chain = " -> ".join(f"u{use}" for use in range(uses))
        lines.append(f"  b{level}: {{nodes: {{{nodes}}}, edges: [input -> {chain} -> output]}}")
    use = f"  n0: {{type: block, block: b{depth - 1}}}\n"
    return _chain(1).replace("  n0: {type: linear, units: 8}\n", use) + "\n".join(lines) + "\n"


def _uses(count: int) -> str:
    block = "blocks:\n  b: {nodes: {a: {type: linear, units: 8}, c: {type: linear, units: 8}}, edges: [input -> a -> c -> output]}\n"
    return _chain(count).replace(": {type: linear, units: 8}", ": {type: block, block: b}") + block


def _fields(count: int) -> str:
    fields = ", ".join(f"f{number}: {{type: number}}" for number in range(count))
    data = f"data: {{source: csv, file: x.csv, fields: {{image: {{type: image, size: 8}}, digit: {{type: category}}, {fields}}}}}"
    return _chain(2).replace(HEAD.splitlines()[2], data)


def _swept(values: int, settings: int = 1) -> str:
    over = "".join(f"    nodes.n{number}.units: [{', '.join(map(str, range(1, values + 1)))}]\n" for number in range(settings))
    return _chain(max(1000, settings)) + f"sweep:\n  over:\n{over}"


def _formula() -> str:
    long = " + ".join(f"n0 * prev(n{number})" for number in range(100))
    return _chain(500).replace("  n1: {type: linear, units: 8}\n", f"  n1: {{type: formula, is: '{long}'}}\n")
