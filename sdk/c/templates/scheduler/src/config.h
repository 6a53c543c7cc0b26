/* The manifest's `config`. */
#ifndef CONFIG_H
#define CONFIG_H

#include "sdk/verwalter.h"

struct config {
    double max_busy; /* the busiest that a peer may be to get another instance: a share, above 0 and at most 1 */
};

/* Reads it; an error says what the operator should change. */
vw_error config_read(vw_json mapping, struct config *config);

#endif
