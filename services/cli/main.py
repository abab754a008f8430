"""The `hatchery` command."""

from __future__ import annotations

import typer

from services.cli.accounts import account_app
from services.cli.adjustments import adjust
from services.cli.attempts import attempts_app
from services.cli.bench import bench_app
from services.cli.catalog import catalog_app
from services.cli.codes import code_app
from services.cli.coupons import coupon_app
from services.cli.dlq import dlq_app
from services.cli.keys import key_app
from services.cli.ledger import ledger_app
from services.cli.margin import report_app
from services.cli.providers import provider_app
from services.cli.refunds import refund
from services.cli.routes import route_app
from services.cli.run import run
from services.cli.statement import rebuild_usage, statement
from services.cli.tasks import task_app
from services.cli.topups import list_topups, top_up
from services.cli.up import up
from services.cli.webhooks import rotate_account_secret, rotate_key_secret, webhook_app

app = typer.Typer(
    help="Hatchery: a self-hosted gateway for AI generation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up)
app.command("run")(run)
account_app.command("statement")(statement)
app.add_typer(account_app, name="account")
app.add_typer(key_app, name="key")
app.command("topup")(top_up)
app.command("topups")(list_topups)
app.add_typer(code_app, name="code")
app.command("refund")(refund)
app.command("adjust")(adjust)
app.add_typer(report_app, name="report")
app.add_typer(coupon_app, name="coupon")
app.add_typer(task_app, name="task")
app.add_typer(catalog_app, name="catalog")
app.add_typer(route_app, name="route")
app.add_typer(attempts_app, name="attempts")
app.add_typer(provider_app, name="provider")
ledger_app.command("rebuild-usage")(rebuild_usage)
app.add_typer(ledger_app, name="ledger")
app.add_typer(webhook_app, name="webhook")
account_app.command("rotate-secret")(rotate_account_secret)
key_app.command("rotate-webhook-secret")(rotate_key_secret)
app.add_typer(dlq_app, name="dlq")
app.add_typer(bench_app, name="bench")

if __name__ == "__main__":
    app()
