"""Takes events and labels over HTTP, durably, and answers what `status` tells."""

from watchkeeper.server.app import app
from watchkeeper.server.limit import Limits
from watchkeeper.server.look import Looks
from watchkeeper.server.serve import CannotListen, serve

__all__ = ["CannotListen", "Limits", "Looks", "app", "serve"]
