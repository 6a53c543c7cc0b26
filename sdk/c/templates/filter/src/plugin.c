/* The filters' names and arguments. */
#include "plugin.h"

#include "filters.h"

static const struct vw_filter filters[] = {
    {"slug", {"text"}, slug},
    {"truncate", {"text", "length", "end"}, truncate_text},
    {"pick", {"value", "path", "default"}, pick},
};

const struct vw_filters plugin = {
    .about = {.name = "sample-filter", .version = "0.1.0"},
    .filters = filters,
    .count = sizeof filters / sizeof *filters,
};

VW_FILTERS(plugin);
