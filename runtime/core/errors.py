"""The one exception that a user sees."""


class UnderstudyError(Exception):
    """A sentence for the user: what was wrong, the value, the remedy.

    Commands print it on one line and exit with status 2; a traceback is a bug.
    """
