"""One line an event: words on a terminal, JSON anywhere else."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger


def open_log(out: TextIO = sys.stderr) -> FilteringBoundLogger:
    """A log that writes to this stream."""
    render = structlog.dev.ConsoleRenderer() if out.isatty() else structlog.processors.JSONRenderer()
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger
