"""What can go wrong with a model that runs in a process of its own."""

from watchkeeper.model import WatchkeeperError


class Refused(WatchkeeperError):
    """A file is not taken as a model: the text says what in it is not allowed, and how to make one that is."""


class CannotLoad(WatchkeeperError):
    """A model's process could not load it: the text says why, in the model's own words where it has any."""

    exit_code = 4


class WrongInput(WatchkeeperError):
    """The rows are not what the model takes: the text names the column."""


class WrongAnswer(WatchkeeperError):
    """A model gave no answer, or one that can't be true, such as NaN for a class."""

    exit_code = 4


class Raised(WrongAnswer):
    """A model raised an error of its own, which the text names."""


class Crashed(WatchkeeperError):
    """A model's process ended without being asked to, or its server did: whoever owns it starts another."""

    exit_code = 4


class TimedOut(WatchkeeperError):
    """A model did not answer in time. Its process still works on the rows: whoever owns it decides about it."""

    exit_code = 4
