"""Serves predictions of what is live."""

from watchkeeper.gateway.serve import serve

__all__ = ["serve"]
