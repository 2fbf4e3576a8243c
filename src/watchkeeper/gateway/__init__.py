"""Serves predictions of what is live."""
