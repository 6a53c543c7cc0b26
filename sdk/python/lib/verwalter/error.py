"""The error whose text the host shows as it stands."""


class Error(Exception):
    """What a plugin answers in place of a result. A scheduler's keeps the schedule in force; the status shows its text.

    Any other exception becomes an error answer too, told with its type and line: a mistake of the plugin's author.
    """
