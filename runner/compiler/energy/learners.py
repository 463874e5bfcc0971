"""Whether a learner goes with the graph: what it trains is there, and nothing is said that it has no use for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nnrun.registry.group import Group
from nnrun.registry.training import Learner, Optimizer, Storage
from nnrun.runner.compiler.energy.net import Net
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.language.edges import Edge
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import listed, repair, written


def trained_nets(train: Train, nets: Iterable[Net]) -> list[Net]:
    """The energy networks that a training changes: those of which it names a group, or all."""
    return [net for net in nets if train.nodes is None or not set(train.nodes).isdisjoint(net.groups)]


def check_learner(spec: Spec, graph: Graph, nets: Sequence[Net], report: Report) -> None:
    """Report what is wrong with the learner, and with the nodes that it is to train."""
    train = spec.train
    if train is None or not isinstance(train.learner, Learner):
        return
    for index, name in enumerate(train.nodes or ()):
        if name not in graph.nodes:
            report.add("unknown-name", f"no node is named `{name}`", at=("train", "nodes", index), help=repair(name, graph.nodes, "node"))
    learner = train.learner.type_name()
    for key in train.learner.unused:
        if key in train.model_fields_set:
            headline = f"the learner `{learner}` has no use for `{key}`"
            report.add("learner-mismatch", headline, at=Place(("train", key), "key"), help=f"leave out `{key}`")
    if not train.learner.needs_loss and isinstance(train.optimizer, Optimizer) and train.optimizer.searches:
        headline = f"the optimizer `{train.optimizer.type_name()}` goes by a loss, and the learner `{learner}` has none"
        report.add("learner-mismatch", headline, at=("train", "optimizer"), help="write `optimizer: sgd` or `adam`")
    if not train.learner.needs_loss and spec.metrics and train is spec.stages[-1]:
        headline = f"the learner `{learner}` has no use for `metrics`: it records what an energy network is judged by"
        report.add("learner-mismatch", headline, at=Place(("metrics",), "key"), help="leave out `metrics`")
    if not train.learner.needs_loss and report.ok:
        _check_net(spec, train, graph, nets, report)


def _check_net(spec: Spec, train: Train, graph: Graph, known: Sequence[Net], report: Report) -> None:
    """The one network that the learner trains has the form it needs."""
    learner, at = train.learner, ("train", "learner")
    assert isinstance(learner, Learner)
    name, nets = learner.type_name(), trained_nets(train, known)
    if not nets and known:
        headline = f"`{name}` trains an energy network, and `nodes` names no group of one: {listed(known[0].groups)}"
        help = f"write `nodes: [{', '.join(known[0].groups)}]`"
        report.add("learner-mismatch", headline, at=("train", "nodes"), help=help)
        return
    if not nets:
        help = "a symmetric edge, `visible <-> hidden`, makes one"
        report.add("learner-mismatch", f"`{name}` trains an energy network, and there is none", at=at, help=help)
        return
    if len(nets) > 1:
        headline = f"`{name}` trains one energy network, and there are {len(nets)}: {listed(net.name for net in nets)}"
        help = "`nodes` under `train` says which; a list of trainings takes one after the other"
        one_way = _one_way(graph, nets)
        if one_way is not None:
            help = _both_ways(one_way, train, graph)
        elif train.nodes is not None:
            others = {other for stage in spec.stages if stage is not train for other in stage.nodes or ()}
            free = next((net for net in nets if others.isdisjoint(net.groups)), nets[0])
            at = ("train", "nodes")
            headline = f"`{name}` trains one energy network, and `nodes` names groups of {len(nets)}: {listed(net.name for net in nets)}"
            help = f"write `nodes: [{', '.join(free.groups)}]`; a stage of its own trains each of the others"
        report.add("learner-mismatch", headline, at=at, notes=[(one_way.at, "joins nothing")] if one_way else [], help=help)
        return
    (net,) = nets
    if not net.fed:
        help = f"add an edge `FIELD -> {next(iter(net.groups))}`"
        headline = f"`{name}` learns from what clamps a group, and nothing clamps {listed(net.groups)}"
        report.add("learner-mismatch", headline, at=at, help=help)
    elif isinstance(learner, Storage) and not _is_memory(learner, net):
        _report_memory(learner, net, graph, report)
    elif not isinstance(learner, Storage):
        _check_joined(train, graph, net, report)


def _report_memory(learner: Storage, net: Net, graph: Graph, report: Report) -> None:
    """A network in which patterns cannot be stored in one go, with what keeps it from that."""
    name, memory = learner.type_name(), net.fed[0]
    node = graph.nodes[memory]
    slots = ", or `gaussian_units` joined with `categorical_units`" if name == "hebbian" else ""
    headline = f"`{name}` stores patterns in a clamped group of `bipolar_units` with an edge `<->` to itself{slots}"
    stores = [(Place(("train", "learner")), "stores patterns")]
    others = [group for group in net.groups if group != memory]
    outer = next(
        (edge for held in graph.energy_nets for edge in held.edges if memory in held.groups and edge.source.name != edge.target.name), None
    )
    if outer is not None and others:
        help = f"write `{memory} <-> {memory}` in place of it, and take {listed(others)} away"
        report.add("learner-mismatch", headline, at=outer.at, notes=stores, help=help)
    elif not net.couplings:
        help = f"an edge `{memory} <-> {memory}` couples its units"
        report.add("learner-mismatch", headline, at=("train", "learner"), help=help)
    elif node.config is not None:
        meant = written({"type": "bipolar_units", **node.config.options()}, 200)
        headline = f"`{name}` stores patterns of -1 and +1, and `{memory}` has `{node.config.type_name()}`"
        report.add("learner-mismatch", headline, at=Place((*node.path, "type")), notes=stores, help=f"write `{memory}: {meant}`")


def _check_joined(train: Train, graph: Graph, net: Net, report: Report) -> None:
    """Something is learned that joins units; biases alone are those of independent units."""
    assert isinstance(train.learner, Learner)
    learner = train.learner.type_name()
    named = set(net.groups if train.nodes is None else train.nodes)
    joined = [coupling for coupling in net.couplings if coupling.free != 0]
    if any({coupling.first, coupling.second} <= named for coupling in joined):
        return
    what = f"`{learner}` would learn units that know nothing of each other"
    if joined:
        missing = listed(name for name in net.groups if name not in named)
        headline = f"{what}: a symmetric edge is trained where both of its groups are, and `nodes` leaves out {missing}"
        report.add("learner-mismatch", headline, at=("train", "nodes"), help=f"`nodes: [{net.name}]` trains all of it")
    elif net.couplings:
        headline = f"{what}: no pair of units of {listed(net.groups)} is coupled"
        report.add("learner-mismatch", headline, at=("train", "learner"), help="a larger `share` or `reach` of the `mask` couples some")
    else:
        one_way, group = _one_way(graph, [net]), next(iter(net.groups))
        at = one_way.at if one_way is not None else ("train", "learner")
        help = f"`{group} <-> {group}` joins its units, `{group} <-> hidden` with others"
        if one_way is not None:
            help = _both_ways(one_way, train, graph)
        report.add("learner-mismatch", f"{what}: no symmetric edge leads to `{group}`", at=at, help=help)


def _one_way(graph: Graph, nets: Iterable[Net]) -> Edge | None:
    """An edge from group to group where `<->` was meant, as one of the two is joined with nothing."""
    alone = {name for net in nets for name in net.groups if not net.couplings}
    groups = {name for name, node in graph.nodes.items() if isinstance(node.config, Group)}
    for node in graph.nodes.values():
        for edge in node.inputs:
            ends = {edge.source.name, edge.target.name}
            if ends <= groups and ends & alone:
                return edge
    return None


def _both_ways(edge: Edge, train: Train, graph: Graph) -> str:
    """What joins two groups, with all that must then be said."""
    first, second = edge.source.name, edge.target.name
    steps = [f"write `{first} <-> {second}` for `{first} -> {second}`"]
    if getattr(graph.nodes[second].config, "units", 0) is None:
        steps.append(f"give `{second}` its number of `units`")
    if train.nodes is not None and not {first, second} <= set(train.nodes):
        steps.append(f"name both in `nodes: [{first}, {second}]`")
    return ", ".join(steps[:-1]) + " and " * (len(steps) > 1) + steps[-1]


def _is_memory(learner: Storage, net: Net) -> bool:
    """Whether patterns can be stored in a network in one go."""
    kinds = {group.config.type_name(): group for group in net.groups.values()}
    if len(net.groups) == 1:
        return "bipolar_units" in kinds and bool(net.couplings)
    slots = kinds.get("categorical_units")
    pair = len(net.groups) == 2 and "gaussian_units" in kinds and slots is not None and kinds["gaussian_units"].fed and not slots.fed
    return learner.type_name() == "hebbian" and pair and getattr(slots.config, "classes", None) is None if slots else False
