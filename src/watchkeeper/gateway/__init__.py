"""Serves predictions of what is live."""

from watchkeeper.gateway.figures import Figures
from watchkeeper.gateway.serve import serve
from watchkeeper.gateway.switch import Condition

__all__ = ["Condition", "Figures", "serve"]
