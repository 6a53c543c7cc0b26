"""``{{truncate text length end}}``"""

from verwalter import log
from verwalter.filter import Wrong


def truncate(text: str, length: int, end: str = "…") -> str:
    """The text cut to ``length`` code points, ``end`` among them."""
    if length < 0:
        raise Wrong("length", "a whole number of at least 0")
    if len(text) <= length:
        return text
    log.debug(f"truncate: {len(text) - length} of {len(text)} characters cut")
    end = end[:length]
    return text[: length - len(end)] + end
