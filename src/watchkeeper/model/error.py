"""The root of every error that Watchkeeper raises on purpose."""


class WatchkeeperError(Exception):
    """Something a person can mend: the text says what happened, where, and what to do."""

    exit_code = 2
    """What the command line returns: 2 for wrong usage or a missing file, 4 where a job could not be finished."""


class NotInstalled(WatchkeeperError):
    """Something needs packages that a plain installation does not have: the text says how to get them."""
