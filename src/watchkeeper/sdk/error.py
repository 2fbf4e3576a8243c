"""The root of what the SDK raises on purpose; it stands alone, because this room imports nothing of the others."""


class SDKError(Exception):
    """Something a person can mend: the text says what happened, where, and what to do."""

    exit_code = 2
    """What the command line returns for it."""


class BadName(SDKError):
    """A model's name is not made of 1 to 63 lower-case letters, digits and hyphens, so it can't name a folder."""


class NoSuchModel(SDKError):
    """The home folder has no inbox for this model, because the model was never added to it."""


class Malformed(SDKError):
    """A body as a whole can't be read, so its records can't be told apart."""
