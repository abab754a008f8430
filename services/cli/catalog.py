"""`hatchery catalog check | show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, fail, show_json
from shared.catalog.amounts import nano_of
from shared.catalog.load import BadCatalog, load_catalog
from shared.catalog.model import Catalog, ModelEntry, When
from shared.catalog.prices import ImageRate, Price, Rate, TokenPrice, TokenRate

catalog_app = typer.Typer(help="The catalog: what is sold, and who makes it.", no_args_is_help=True)

_HELP = "The catalog file."
_ENV = "HATCHERY_CATALOG"
DEFAULT_FILE = Path("deploy/catalog.yaml")


@catalog_app.command("check")
def check_catalog(
    file: Annotated[Path, typer.Argument(help=_HELP, envvar=_ENV)] = DEFAULT_FILE,
) -> None:
    """Look for mistakes; each is named with its line, and the exit code is 1 if there are any."""
    try:
        catalog = load_catalog(file)
    except BadCatalog as error:
        Console(stderr=True).print(error.message, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    routes = sum(len(model.chain) for model in catalog.models.values())
    Console().print(f"the catalog is good: {len(catalog.models)} models, {routes} routes", highlight=False)


@catalog_app.command("show")
def show_catalog(
    model: Annotated[str | None, typer.Argument(help="Only this model, with its routes.")] = None,
    file: Annotated[Path, typer.Option("--file", help=_HELP, envvar=_ENV)] = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Models with their prices, or one model with its route chain."""
    try:
        catalog = load_catalog(file)
    except BadCatalog as error:
        fail(error.message)
    if model is not None and model not in catalog.models:
        fail(f"There is no model {model}; there are {', '.join(catalog.models)}.")
    if json:
        show_json(catalog.models[model] if model else catalog.models)
    elif model is None:
        _print_models(catalog)
    else:
        _print_model(model, catalog.models[model])


def _print_models(catalog: Catalog) -> None:
    table = Table()
    for column in ("model", "kind", "price in USD", "deadline", "route chain"):
        table.add_column(column, overflow="fold")
    for model_id, model in catalog.models.items():
        chain = " → ".join(dict.fromkeys(route.provider for route in model.chain))
        table.add_row(model_id, model.kind, price_text(model.price), f"{model.deadline_seconds:g} s", chain)
    Console().print(table)


def _print_model(model_id: str, model: ModelEntry) -> None:
    console = Console()
    console.print(f"[bold]{model_id}[/bold]  {model.kind}  ${price_text(model.price)}", highlight=False)
    for change in model.changes:
        console.print(
            f"from {change.effective_at:%Y-%m-%d %H:%M} UTC ${price_text(change.price)}", highlight=False
        )
    console.print(
        f"deadline {model.deadline_seconds:g} s, at most {model.max_attempts} attempts, other routes after a "
        f"refusal: {_yes(model.fallback_on_refusal)}, after no output: {_yes(model.fallback_on_no_output)}",
        highlight=False,
    )
    table = Table("priority", "weight")
    for column in ("route", "edit", "when"):
        table.add_column(column, overflow="fold")
    table.add_column("soft deadline")
    entries = sorted(zip(model.priorities, model.chain, strict=True), key=lambda entry: entry[0])
    for priority, route in entries:
        table.add_row(
            str(priority),
            str(route.weight),
            route.name,
            route.edit or "",
            when_text(route.when),
            f"{route.soft_deadline_seconds:g} s",
        )
    console.print(table)


def price_text(price: Price) -> str:
    """A price on one line, in USD."""
    what = "million tokens" if isinstance(price, TokenPrice) else price.per
    words = [f"{_rate_text(price)} per {what}"]
    words += [f"above {step.above}: {_rate_text(step)}" for step in price.steps]
    words += [f"at least {price.minimum_usd}"] if nano_of(price.minimum_usd) else []
    return "; ".join(words)


def _rate_text(rate: Rate | TokenRate) -> str:
    if isinstance(rate, TokenRate):
        parts = {
            "in": rate.usd_per_million_input,
            "cached in": rate.usd_per_million_cached_input,
            "out": rate.usd_per_million_output,
        }
        return ", ".join(f"{usd} {name}" for name, usd in parts.items() if usd is not None)
    words = rate.usd + "".join(f", {usd} at {resolution}" for resolution, usd in rate.by_resolution.items())
    qualities = rate.by_quality if isinstance(rate, ImageRate) else {}
    return words + "".join(f", {quality} {_rate_text(inner)}" for quality, inner in qualities.items())


def when_text(when: When) -> str:
    """The conditions of a route on one line; empty: any request."""
    words = [] if when.edit is None else ["edits only" if when.edit else "no edits"]
    words += [", ".join(some) for some in (when.resolutions, when.ratios) if some]
    return "; ".join(words)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
