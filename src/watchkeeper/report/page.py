"""What all pages of this room share: their policy, and the release that made them."""

from __future__ import annotations

import base64
import hashlib
from importlib import metadata


def policy(style: str, script: str | None = None) -> str:
    """A content security policy that lets nothing in but this style and this script."""
    rules = ["default-src 'none'", f"style-src '{digest(style)}'"]
    rules += [] if script is None else [f"script-src '{digest(script)}'"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def digest(text: str) -> str:
    """How a policy names a text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def release() -> str:
    """Watchkeeper's own version."""
    try:
        return metadata.version("watchkeeper")
    except metadata.PackageNotFoundError:
        return "(not installed)"
