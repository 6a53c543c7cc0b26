"""Three helpers for templates: slug, truncate and pick."""

from verwalter import filter

from .pick import pick
from .slug import slug
from .truncate import truncate

Filtering, WitWorld = filter.export(
    name="sample-filter",
    version="0.1.0",
    filters=[slug, truncate, pick],
)
