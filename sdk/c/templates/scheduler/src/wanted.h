/* The roles that the operators want: `runtime`. */
#ifndef WANTED_H
#define WANTED_H

#include "sdk/verwalter.h"

struct wanted {
    vw_text role;
    int64_t instances;
    vw_json template; /* absent where none was given */
    vw_json vars;     /* absent where none were given */
};

/* Reads all of them, ascending by role. The first error in that order is the answer. */
vw_error wanted_read(vw_json runtime, const struct wanted **roles, size_t *count);

#endif
