"""Tables for the terminal: nodes of a plan, component types."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nnrun.registry.component import Component
from nnrun.registry.data.tables import FileSource
from nnrun.registry.source import Source
from nnrun.runner.compiler.memory.needs import needed
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.words import written


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
    return Group(table, Text(f"parameters: {total}"), Text(f"memory: {needed(plan)}"))


def components_table(role: str, components: dict[str, type[Component]]) -> RenderableType:
    """Every component of a role with the first line of its documentation."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(role)
    table.add_column("what it is")
    for name, cls in components.items():
        table.add_row(name, cls.summary())
    return table


def component_text(cls: type[Component]) -> str:
    """A component's documentation with its options, and the columns of a source that brings its own."""
    import inspect

    from nnrun.runner.show.sections import option_lines

    lines = [f"{cls.role} `{cls.type_name()}`", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    if options := list(option_lines(cls, leave_out=cls.tag)):
        lines += ["Options:", "", *options, ""]
    if columns := list(_columns(cls)):
        lines += ["Columns:", "", *columns, ""]
    return "\n".join(lines)


def _columns(cls: type[Component]) -> Iterator[str]:
    """What a source brings, with the field type that fits each column, where it is known without opening anything."""
    required = any(field.is_required() for name, field in cls.model_fields.items() if name != cls.tag)
    if not issubclass(cls, Source) or required or issubclass(cls, FileSource):
        return
    for name, column in (cls.model_validate({cls.tag: cls.type_name()}).columns() or {}).items():
        options = "".join(f", {key}: {written(value)}" for key, value in column.options.items())
        yield f"  {name}: {{type: {column.type}{options}}}" + (f"  {column.about}" if column.about else "")
