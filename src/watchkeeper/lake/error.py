"""What the lake raises on purpose."""

from watchkeeper.model import WatchkeeperError


class LakeError(WatchkeeperError):
    """The lake could not do what was asked: nothing was half done, and the same call may be made again."""

    exit_code = 4


class LakeUnavailable(LakeError):
    """The place where the lake lies does not answer, is full, or refuses; nothing is lost, since the inbox keeps it."""


class LakeChanged(LakeError):
    """A file was taken away while it was read, because rows were erased meanwhile; reading again gives the rest."""


class Overtaken(LakeError):
    """Another process has stored part of these rows meanwhile, so they must be read from where it stopped."""
