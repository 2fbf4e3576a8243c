"""Tells people, or what they wrote, that an alarm began: once for each onset, again until it was heard."""

from watchkeeper.notify.command import Command
from watchkeeper.notify.message import Message
from watchkeeper.notify.named import target_of
from watchkeeper.notify.outbox import Heard, tell
from watchkeeper.notify.target import BadTarget, NotDelivered, Target
from watchkeeper.notify.webhook import Webhook

__all__ = ["BadTarget", "Command", "Heard", "Message", "NotDelivered", "Target", "Webhook", "target_of", "tell"]
