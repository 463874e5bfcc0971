"""Whether a learner goes with the graph: what it trains is there, and nothing is said that it has no use for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nnrun.registry.training import Learner, Storage
from nnrun.runner.compiler.energy.net import Net
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import listed, repair


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
    if not train.learner.needs_loss and spec.metrics and train is spec.stages[-1]:
        headline = f"the learner `{learner}` has no use for `metrics`: it records what an energy network is judged by"
        report.add("learner-mismatch", headline, at=Place(("metrics",), "key"), help="leave out `metrics`")
    if not train.learner.needs_loss and report.ok:
        _check_net(train.learner, trained_nets(train, nets), nets, report)


def _check_net(learner: Learner, nets: Sequence[Net], known: Sequence[Net], report: Report) -> None:
    """The one network that the learner trains has the form it needs."""
    name, at = learner.type_name(), ("train", "learner")
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
        report.add("learner-mismatch", headline, at=at, help=help)
        return
    (net,) = nets
    if not net.fed:
        help = f"add an edge `FIELD -> {next(iter(net.groups))}`"
        headline = f"`{name}` learns from what clamps a group, and nothing clamps {listed(net.groups)}"
        report.add("learner-mismatch", headline, at=at, help=help)
    elif isinstance(learner, Storage) and not _is_memory(learner, net):
        slots = ", or `gaussian_units` joined with `categorical_units`" if name == "hebbian" else ""
        wanted = f"a clamped group of `bipolar_units` with an edge `<->` to itself{slots}"
        report.add("learner-mismatch", f"`{name}` stores patterns in {wanted}", at=at, help="`contrastive_divergence` trains any network")


def _is_memory(learner: Storage, net: Net) -> bool:
    """Whether patterns can be stored in a network in one go."""
    kinds = {group.config.type_name(): group for group in net.groups.values()}
    if len(net.groups) == 1:
        return "bipolar_units" in kinds and bool(net.couplings)
    slots = kinds.get("categorical_units")
    pair = len(net.groups) == 2 and "gaussian_units" in kinds and slots is not None and kinds["gaussian_units"].fed and not slots.fed
    return learner.type_name() == "hebbian" and pair and getattr(slots.config, "classes", None) is None if slots else False
