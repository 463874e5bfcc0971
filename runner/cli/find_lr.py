"""The verb that looks for a learning rate: find-lr."""

from __future__ import annotations

import click

from nnrun.runner.cli import complete
from nnrun.runner.cli.console import console, end_recorded, failures, one_job, print_json, refuse, say, warn
from nnrun.runner.cli.group import json_option, main, settings_option


@main.command("find-lr")
@click.argument("spec", shell_complete=complete.specs)
@settings_option
@json_option
def find_lr(spec: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Suggest a learning rate for SPEC, by a short training whose rate grows."""
    with failures(as_json):
        job = one_job(spec, settings)
        refuse([job.checked], as_json)
        from nnrun.runner.experiments.find_lr import find_lr as test
        from nnrun.runner.experiments.find_lr import used, why_not

        assert job.checked.spec is not None
        reason = why_not(job.checked.spec)
        if reason is not None:
            raise click.UsageError(f"no learning rate is looked for in `{job.name}`: {reason}")
        from nnrun.runner.display import Display
        from nnrun.runner.tracking.store import Store

        found = test(job, Store.from_environment(), Display(console(stderr=True), quiet=as_json))
    delivered, rates = found.delivered, found.rates
    if as_json:
        print_json(
            {
                "suggestion": found.suggestion,
                "lowest": rates.rates[rates.lowest],
                "lr": rates.rates,
                "loss": rates.losses,
                "smoothed_loss": rates.smoothed,
                "run_id": delivered.run_id,
                "link": delivered.links.run if delivered.links else None,
                "delivered": delivered.is_complete,
            }
        )
        end_recorded(delivered)
        return
    say(f"suggested learning rate: {found.suggestion:g}, a tenth of {rates.rates[rates.lowest]:.2g}, where the loss was lowest")
    say(f"to use it:  {used(job, found.suggestion)}")
    if delivered.links is not None:
        say(f"the curve:  {delivered.links.run}")
    if delivered.message is not None:
        warn(delivered.message)
    end_recorded(delivered)
