"""`watchkeeper gateway`: serves predictions of what is live."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.option import Home


def gateway(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 8080,
    host: Annotated[
        str, typer.Option(help="The address to listen on; other than this machine's own needs a token to exist.")
    ] = "127.0.0.1",
    default: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model that /invocations answers for.", show_default=False)
    ] = None,
    allow_functions: Annotated[
        bool, typer.Option("--allow-functions", help="Run versions that are Python functions: their code is trusted.")
    ] = False,
    home: Home = None,
) -> None:
    """Answer with the live version of each model, over the Open Inference Protocol V2 and MLflow's /invocations.

    Each version runs in a process of its own. A release or a rollback is followed within a second and loses no request;
    a version that fails is stood in for by the one before. Every answer is logged, as if the service had done it.

    Needs `pip install 'watchkeeper[gateway]'`.

    Exit codes: 0 stopped by Ctrl+C or SIGTERM, once all was answered; 2 no such home or model, or the address can't be
    served; 4 could not go on.

    \b
    Examples:
      watchkeeper gateway
      watchkeeper gateway --port 9000 --default hotel-cancel
      watchkeeper gateway --home /var/lib/watchkeeper --host 0.0.0.0
    """
    from watchkeeper.cli.home import home_of, needs_server

    with needs_server("gateway"):
        from watchkeeper.gateway import serve

    with home_of(home) as at:
        serve(
            at,
            host,
            port,
            default=default,
            functions=allow_functions,
            told=lambda text: typer.echo(text, err=True),
        )
