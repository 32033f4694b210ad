"""The exceptions that a user sees."""


class UnderstudyError(Exception):
    """A sentence for the user: what was wrong, the value, the remedy.

    It is about what was given: an option, a file, an address. Commands print it on one line and
    exit with `status`; a traceback is a bug.
    """

    status = 2


class Failure(UnderstudyError):
    """The same, where what was given is right and the work fails: what it needs is lacking."""

    status = 1
