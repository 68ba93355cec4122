"""The command ``prelabel``, which also answers to ``label-studio-ml``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from prelabel import __version__
from prelabel.bootstrap import check_model, open_service
from prelabel.cli.offline import evaluate, predict, train
from prelabel.errors import PrelabelError
from prelabel.server.serve import listen, serve
from prelabel.settings import Settings, load_settings
from prelabel.telemetry import configure_logging

log = logging.getLogger("prelabel")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="prelabel")
def cli() -> None:
    """Label Studio's backend that learns text classification while people label."""


@cli.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("-p", "--port", type=int, help="Port to listen on [PORT, 9090].")
@click.option("--host", help="Address to listen on [PRELABEL_HOST, 127.0.0.1].")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="What to log [LOG_LEVEL, INFO].",
)
@click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    help="Folder for labels and model versions [MODEL_DIR, prelabel-data].",
)
@click.option("--basic-auth-user", help="User name to ask for [BASIC_AUTH_USER].")
@click.option(
    "--basic-auth-pass",
    help="Its password; other users of this machine can see options, so prefer the variable "
    "[BASIC_AUTH_PASS].",
)
@click.option("--check", is_flag=True, help="Fit and predict once before listening.")
@click.option("-d", "--debug", is_flag=True, help="The same as --log-level DEBUG.")
def start(directory: Path | None, *, check: bool, debug: bool, **options: object) -> None:
    """Serve a model directory; without one, the built-in text classifier.

    Every option is a setting, too: an environment variable, or a line of DIRECTORY/.env.
    """
    if debug:
        options["log_level"] = "DEBUG"
    settings = load_settings(directory, **options)
    configure_logging(settings.log_level)
    if check:
        check_model(settings, directory)
    listener = listen(settings.host, settings.port)
    service = open_service(settings, directory)
    port = listener.getsockname()[1]
    log.info("%s is served on http://%s:%d", service.model_class.__name__, settings.host, port)
    _say_what_is_known(settings)
    serve(service, listener)


def _say_what_is_known(settings: Settings) -> None:
    log.info("Labels and model versions are kept in %s", settings.model_dir.absolute())
    if settings.label_studio_api_key is None:
        log.warning(
            "LABEL_STUDIO_API_KEY is not set: labels come from webhooks only, and those made "
            "before, or while this server was down, are not learned"
        )
    else:
        log.info("Labels are pulled from Label Studio at %s", settings.label_studio_url)


cli.add_command(evaluate)
cli.add_command(train)
cli.add_command(predict)


def main() -> None:
    """Run the command; exit 2 with one line if something is set wrongly."""
    try:
        cli(standalone_mode=True)
    except PrelabelError as error:
        click.echo(f"prelabel: {error}", err=True)
        sys.exit(2)
