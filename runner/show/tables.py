"""Tables for the terminal: nodes of a plan, component types."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nnrun.registry.component import Component, field_docs
from nnrun.runner.compiler.plan import Plan


def plan_table(plan: Plan) -> RenderableType:
    """Nodes with what they read, the type they give and the number of their parameters."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("node", "type", "reads", "gives"):
        table.add_column(heading, overflow="fold")
    table.add_column("parameters", justify="right")
    for op in plan.ops:
        reads = ", ".join([*map(str, op.inputs), *(f"{port}={value}" for port, value in op.ports.items())])
        size = f"as {op.share}" if op.share else f"{op.size:,}" if isinstance(op.size, int) else op.size
        table.add_row(op.name, op.config.type_name(), reads, str(op.shape), size if size != "0" else "")
    for net in plan.nets:
        for edge in net.couplings:
            size = f"{edge.free:,}" if isinstance(edge.free, int) else edge.free
            table.add_row(f"{edge.first} <-> {edge.second}", "symmetric edge", "", "", size)
    total = f"{plan.size:,}" if isinstance(plan.size, int) else f"{plan.size}, when the data is read"
    return Group(table, Text(f"parameters: {total}"))


def components_table(role: str, components: dict[str, type[Component]]) -> RenderableType:
    """Every component of a role with the first line of its documentation."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(role)
    table.add_column("what it is")
    for name, cls in components.items():
        table.add_row(name, cls.summary())
    return table


def component_text(cls: type[Component]) -> str:
    """A component's documentation with its options."""
    import inspect

    lines = [f"{cls.role} `{cls.type_name()}`", "", inspect.cleandoc(cls.__doc__ or ""), "", "Options:", ""]
    docs = field_docs(cls)
    for name, field in cls.model_fields.items():
        if name == cls.tag:
            continue
        default = (
            "required" if field.is_required() else f"default {_default(field.get_default(call_default_factory=True, validated_data={}))}"
        )
        about = " ".join(docs.get(name, "").split())
        lines.append(f"  {name} ({default}): {about}" if about else f"  {name} ({default})")
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    """A default as a spec would write it."""
    if isinstance(value, Component):
        return value.type_name()
    if value is None or hasattr(value, "model_dump"):
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
