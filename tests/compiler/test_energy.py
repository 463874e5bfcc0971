"""Energy networks: what the compiler derives from symmetric edges, and what it refuses."""

from __future__ import annotations

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.energy.mask import Grid, colours, coupled_pairs
from nnrun.runner.compiler.energy.net import Net
from nnrun.runner.compiler.language.spec import Mask
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from tests.compiler.support import headlines, spec, underlined

PIXELS = "{source: digits, fields: {image: {type: image, binarize: 0.5}, digit: {type: category}}}"
GROUPS = {"flat": "", "scores": "", "visible": "{type: binary_units}", "hidden": "{type: binary_units, units: 100}"}
LEARN = "{learner: contrastive_divergence}"


def machine(edges: list[str], nodes: dict[str, str] | None = None, train: str = LEARN) -> str:
    return spec({**GROUPS, **(nodes or {})}, ["image -> visible", *edges], data=PIXELS, train=train)


def plan_of(text: str) -> Plan:
    checked = check(text)
    assert checked.plan is not None, [finding.headline for finding in checked.report]
    return checked.plan


def net(edges: list[str], nodes: dict[str, str] | None = None) -> Net:
    (made,) = plan_of(machine(edges, nodes)).nets
    return made


def test_a_restricted_machine_prints_its_energy_and_its_schedules() -> None:
    assert str(net(["visible <-> hidden"])).splitlines() == [
        "energy network of visible, hidden",
        "  E = - visible.bias . visible - hidden.bias . hidden - visible . [visible--hidden] hidden",
        "  visible : 64 numbers, each unit 0 or 1",
        "  hidden : 100 numbers, each unit 0 or 1",
        "  visible--hidden : 64 x 100",
        "  data phase: visible clamped; hidden exact, not sampled",
        "  model phase: nothing clamped; 2 colours: visible at once, then hidden at once",
    ]


def test_a_lateral_edge_makes_units_be_sampled_one_by_one() -> None:
    made = str(net(["visible <-> hidden", "hidden <-> hidden"]))

    assert "- 1/2 hidden . [hidden--hidden] hidden" in made
    assert "data phase: visible clamped; 1 colour: hidden unit by unit" in made
    assert "visible at once, then hidden unit by unit" in made


def test_a_sparse_lateral_edge_makes_units_be_sampled_by_colours() -> None:
    made = str(net(["visible <-> hidden", '{edge: "visible <-> visible", mask: grid}']))

    assert "visible--visible : 64 x 64, zero diagonal, its own transpose, 112 pairs coupled" in made
    assert "visible by 2 colours of units, then hidden at once" in made


def test_a_deep_machine_has_two_colours() -> None:
    made = net(["visible <-> hidden", "hidden <-> deeper"], {"deeper": "{type: binary_units, units: 20}"})

    assert made.phase(()).colours == (("visible", "deeper"), ("hidden",))
    assert made.phase(made.fed).colours == (("hidden",), ("deeper",))


def test_a_gaussian_group_has_its_square_in_the_energy() -> None:
    made = net(["visible <-> hidden"], {"visible": "{type: gaussian_units, deviation: 0.5, bias: false}"})

    assert made.formula == "|visible|^2 / 0.5 - hidden.bias . hidden - visible . [visible--hidden] hidden"


def test_weights_are_counted_once() -> None:
    assert net(["visible <-> hidden"]).size == 64 * 100
    assert net(["visible <-> visible"], {"hidden": ""}).size == 64 * 63 // 2
    assert plan_of(machine(["visible <-> hidden"])).size == 64 * 100 + 164


def test_most_units_are_summed_out_that_do_not_depend_on_each_other() -> None:
    made = net(
        ["visible <-> hidden", "hidden <-> deeper"],
        {"hidden": "{type: binary_units, units: 16}", "deeper": "{type: binary_units, units: 9}"},
    )

    assert made.summed() == ("visible", "deeper")
    assert made.enumerated() == ("hidden",)


TWO = ["visible <-> hidden", "hidden -> second", "second <-> deeper"]
SECOND = {"second": "{type: binary_units}", "deeper": "{type: binary_units, units: 30}"}


def test_one_network_may_feed_another() -> None:
    plan = plan_of(machine(TWO, SECOND, "{learner: contrastive_divergence, nodes: [visible, hidden]}"))

    assert [made.name for made in plan.nets] == ["visible, hidden", "second, deeper"]
    assert [op.name for op in plan.ops][-2:] == ["second", "deeper"]


def test_a_group_waits_for_all_that_its_network_reads() -> None:
    nodes = {"scores": "{type: linear, units: 64}", "flat": "{type: flatten}", "visible": "{type: binary_units}"}
    text = spec(
        {**nodes, "hidden": "{type: binary_units, units: 9}"},
        ["image -> flat -> scores -> visible", "visible <-> hidden"],
        data=PIXELS,
        train=LEARN,
    )

    names = [op.name for op in plan_of(text).ops]
    assert names.index("hidden") > names.index("scores")


def test_groups_of_a_network_may_be_read_by_ordinary_nodes() -> None:
    train = "{loss: {type: cross_entropy, input: scores, target: digit}}"
    text = machine(["visible <-> hidden", "hidden -> scores"], {"scores": "{type: linear, units: digit}"}, train)

    assert plan_of(text).values["hidden"].axes == (100,)


LEARNERS = ["contrastive_divergence", "backprop"]
STAGES = """
- {learner: contrastive_divergence, nodes: [visible, hidden], epochs: 1}
- {loss: {type: cross_entropy, input: scores, target: digit}, nodes: [scores]}
"""


def classifier(train: str) -> str:
    """A machine whose hidden means are classified."""
    return machine(["visible <-> hidden", "hidden -> scores"], {"scores": "{type: linear, units: digit}"}, train.replace("\n", "\n  "))


def test_stages_are_trainings_of_one_graph() -> None:
    plan = plan_of(classifier(STAGES))

    assert [stage.spec.train.learner.type_name() for stage in (*plan.stages, plan) if stage.spec.train] == LEARNERS
    assert [len(stage.losses) for stage in (*plan.stages, plan)] == [0, 1]


def test_a_mistake_in_a_stage_is_shown_there() -> None:
    checked = check(classifier(STAGES.replace("input: scores", "input: scorse")))

    assert [finding.at.path for finding in checked.report] == [("train", 1, "loss", 0, "input")]


@pytest.mark.parametrize("text", [classifier(LEARN), classifier(STAGES), None])
def test_the_resolved_spec_is_a_spec_again(text: str | None) -> None:
    memory = machine(["visible <-> visible"], {"visible": "{type: bipolar_units}", "hidden": ""}, "{learner: hebbian}")
    again = resolved_text(plan_of(text or memory))

    assert resolved_text(plan_of(again)) == again


GAUSSIAN = {"hidden": "{type: gaussian_units, units: 5}"}
NINETY = {"hidden": "{type: binary_units, units: 90}"}


@pytest.mark.parametrize(
    ("edges", "nodes", "finding"),
    [
        (
            ["visible <-> flat"],
            {"flat": "{type: flatten}"},
            "a symmetric edge joins groups of units, and `flat` is a node of type `flatten`",
        ),
        (["visible <-> hidden", "hidden <-> visible"], {}, "`hidden` and `visible` are joined by two symmetric edges"),
        (["visible <-> hidden", "hidden <-> hidden"], GAUSSIAN, "units of the type `gaussian_units` cannot be coupled with each other"),
        (["visible <-> hidden"], {**GAUSSIAN, "visible": "{type: gaussian_units}"}, "the energy would have no lowest value"),
        (["visible <-> hidden"], {"hidden": "{type: binary_units}"}, "`hidden`: nothing clamps it, so its size must be said"),
        (["visible <-> hidden"], {"visible": "{type: binary_units, units: 9}"}, "`visible` takes 9 numbers, as it has 9 units"),
        (['{edge: "image -> visible", mask: grid}'], {}, "`mask` belongs to a symmetric edge `<->`, and this one is none"),
        (['{edge: "visible <-> hidden", mask: grid}'], NINETY, "`mask: grid` lays units out on a square, but `hidden` has 90"),
        (['{edge: "visible <-> hidden", mask: {type: grid, share: 0.5}}'], {}, "takes no `share` with `type: grid`"),
        (['{edge: "visible <-> hidden", mask: file}'], {}, "takes `file`, a path, with `type: file`"),
    ],
)
def test_what_makes_no_energy_is_refused(edges: list[str], nodes: dict[str, str], finding: str) -> None:
    assert finding in " ".join(headlines(machine(edges, nodes)))


@pytest.mark.parametrize(
    ("train", "finding"),
    [
        ("{learner: hebbian}", "`hebbian` stores patterns in a clamped group of `bipolar_units` with an edge `<->` to itself"),
        ("{learner: contrastive_divergence, precision: bf16}", "`contrastive_divergence` has no use for `precision`"),
        ("{learner: contrastive_divergence, average: {decay: 0.9}}", "`contrastive_divergence` has no use for `average`"),
        ("{learner: contrastive_divergence, optimizer: lbfgs}", "the optimizer `lbfgs` goes by a loss"),
        ("{learner: contrastive_divergence, nodes: [hiden]}", "no node is named `hiden`"),
        ("{learner: contrastive_divergence, early_stopping: {monitor: valid/loss}}", "no figure is named `valid/loss`"),
        ("{learner: contrastive_divergence, schedule: reduce_on_plateau}", "no figure is named `valid/loss`"),
    ],
)
def test_what_a_learner_cannot_use_is_refused(train: str, finding: str) -> None:
    assert finding in " ".join(headlines(machine(["visible <-> hidden"], train=train)))


def test_a_learner_of_energy_networks_needs_one() -> None:
    text = spec(train=LEARN)

    assert headlines(text) == ["learner-mismatch: `contrastive_divergence` trains an energy network, and there is none"]


def test_a_network_that_nothing_clamps_has_nothing_to_learn_from() -> None:
    text = spec({**GROUPS, "visible": "{type: binary_units, units: 5}"}, ["visible <-> hidden"], data=PIXELS, train=LEARN)

    assert "nothing clamps `visible`, `hidden`" in headlines(text)[0]


NONE = "learner-mismatch: `contrastive_divergence` would learn units that know nothing of each other"


def test_an_edge_one_way_makes_no_machine_of_two_groups() -> None:
    nodes = {"hidden": "{type: binary_units}"}
    text = machine(["visible -> hidden"], nodes, "{learner: contrastive_divergence, nodes: [visible]}")
    checked = check(text)

    assert headlines(text) == [f"{NONE}: no symmetric edge leads to `visible`"]
    assert underlined(text) == ["visible -> hidden"]
    assert checked.report[0].help == (
        "write `visible <-> hidden` for `visible -> hidden`, give `hidden` its number of `units` and "
        "name both in `nodes: [visible, hidden]`"
    )
    assert headlines(machine(["visible <-> hidden"], train="{learner: contrastive_divergence, nodes: [visible, hidden]}")) == []


def test_of_two_groups_joined_one_way_it_is_said_how_to_join_them() -> None:
    (found,) = check(machine(["visible -> hidden"], {"hidden": "{type: binary_units}"})).report

    assert found.headline.endswith("there are 2: `visible`, `hidden`")
    assert found.help == "write `visible <-> hidden` for `visible -> hidden` and give `hidden` its number of `units`"


def test_a_training_that_names_one_end_of_each_edge_joins_nothing() -> None:
    train = "{learner: contrastive_divergence, nodes: [visible]}"

    assert headlines(machine(["visible <-> hidden"], train=train)) == [
        f"{NONE}: a symmetric edge is trained where both of its groups are, and `nodes` leaves out `hidden`"
    ]
    assert headlines(machine(["visible <-> hidden"], train=train.replace("visible]", "visible, hidden]"))) == []


@pytest.mark.parametrize("edges", [[], ['{edge: "visible <-> visible", mask: {type: random, share: 0.000001}}']])
def test_units_that_nothing_couples_are_no_machine(edges: list[str]) -> None:
    (found,) = headlines(machine(edges, {"hidden": ""}))

    assert found.startswith(NONE)


def test_of_several_networks_the_training_says_which() -> None:
    (found,) = headlines(machine(TWO, SECOND))

    assert found.endswith("trains one energy network, and there are 2: `visible, hidden`, `second, deeper`")


def test_an_energy_network_cannot_read_what_it_gives() -> None:
    nodes = {"scores": "{type: linear, units: 3}", "third": "{type: binary_units}"}

    found = headlines(machine(["visible <-> hidden", "hidden <-> third", "hidden -> scores -> third"], nodes))

    assert found[0].startswith("undelayed-cycle")


def test_colours_keep_coupled_units_apart() -> None:
    pairs = coupled_pairs(Mask(type="random", share=0.2), ("a", (30,)), ("a", (30,)), lateral=True)
    colour = {unit: number for number, units in enumerate(colours(30, pairs)) for unit in units}

    assert len(colour) == 30
    assert all(colour[one] != colour[other] for one, other in pairs)


def test_a_grid_of_reach_one_couples_each_pixel_with_its_four_neighbours() -> None:
    pairs = coupled_pairs(Mask(type="grid"), ("a", (1, 3, 3)), ("a", (1, 3, 3)), lateral=True)

    assert sorted({one if other == 4 else other for one, other in pairs if 4 in (one, other)}) == [1, 3, 5, 7]
    assert len(pairs) == 12


def test_a_grid_between_groups_of_different_size_is_a_local_field() -> None:
    fine, coarse = Grid(4, 4), Grid(2, 2)
    pairs = coupled_pairs(Mask(type="grid"), ("a", (1, 4, 4)), ("b", (4,)), lateral=False)

    assert coarse.place(0, fine) == (0.5, 0.5)
    assert sorted(one for one, other in pairs if other == 0) == [0, 1, 4, 5]


def test_a_random_mask_couples_its_share() -> None:
    pairs = coupled_pairs(Mask(type="random", share=0.3), ("a", (100,)), ("b", (100,)), lateral=False)

    assert 0.28 < len(pairs) / 10_000 < 0.32
    assert pairs != coupled_pairs(Mask(type="random", share=0.3, seed=1), ("a", (100,)), ("b", (100,)), lateral=False)
