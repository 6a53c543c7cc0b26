/* The manifest's `config`. */
#ifndef CONFIG_H
#define CONFIG_H

#include "sdk/verwalter.h"

struct budget {
    vw_text role;
    int64_t most; /* instances over all nodes */
};

struct config {
    const struct budget *most; /* ascending by role */
    size_t most_count;
    vw_json protected; /* a list of roles, texts all; absent where there is none */
};

/* Reads it; an error says what the operator should change. */
vw_error config_read(vw_json mapping, struct config *config);

#endif
