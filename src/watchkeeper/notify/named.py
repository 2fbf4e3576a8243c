"""From what `--on-alarm` says to a target."""

from __future__ import annotations

from watchkeeper.model import Config
from watchkeeper.notify.command import Command
from watchkeeper.notify.target import Target
from watchkeeper.notify.webhook import Webhook


def target_of(named: str, config: Config) -> Target:
    """The webhook of a URL, or else the command. Raises `BadTarget`."""
    scheme = named.strip().partition("://")[0]
    if "://" in named and scheme.isidentifier():
        secret = config.notify.secret
        return Webhook.of(named.strip(), None if secret is None else secret.get_secret_value(), config.notify.allow)
    return Command.of(named)
