"""`hatchery catalog check | show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, fail, show_json
from shared.catalog.load import BadCatalog, load_catalog
from shared.catalog.model import Catalog, ModelEntry, When
from shared.catalog.prices import Price, TokenPrice

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
    if isinstance(price, TokenPrice):
        parts = {
            "in": price.usd_per_million_input,
            "cached in": price.usd_per_million_cached_input,
            "out": price.usd_per_million_output,
        }
        words = ", ".join(f"{usd} {name}" for name, usd in parts.items() if usd is not None)
        return f"{words} per million tokens"
    others = "".join(f", {usd} at {resolution}" for resolution, usd in price.by_resolution.items())
    return f"{price.usd}{others} per {price.per}"


def when_text(when: When) -> str:
    """The conditions of a route on one line; empty: any request."""
    words = [] if when.edit is None else ["edits only" if when.edit else "no edits"]
    words += [", ".join(some) for some in (when.resolutions, when.ratios) if some]
    return "; ".join(words)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
