"""Whether what is to be computed again on the way back can be."""

from __future__ import annotations

from nnrun.registry.node import Holding
from nnrun.registry.training import Learner
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Place, Report


def check_recomputed(spec: Spec, graph: Graph, report: Report) -> None:
    """Findings about `recompute`."""
    inside = {name for loop in graph.loops for name in loop.nodes}
    learners = [train.learner for train in spec.stages if isinstance(train.learner, Learner)]
    descends = not learners or any(learner.needs_loss for learner in learners)
    for name, node in graph.nodes.items():
        if not isinstance(node.config, Holding) or not node.config.recompute:
            continue
        at = Place((*node.path, "recompute"), "key")
        if name in inside:
            headline = f"`{name}` stands in a loop, which holds what all of its nodes need on the way back: `recompute` is for others"
            help = "leave it out; `train.truncate` cuts the ticks that are held"
            report.add("not-supported-yet", headline, at=at, notes=node.notes, help=help)
        elif not descends:
            headline = f"`recompute` is about gradients, and `{learners[0].type_name()}` computes none that pass `{name}`"
            report.add("learner-mismatch", headline, at=at, notes=node.notes, help="leave out `recompute`")
