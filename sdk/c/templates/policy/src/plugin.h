#ifndef PLUGIN_H
#define PLUGIN_H

#include "sdk/verwalter.h"

extern const struct vw_policy plugin;

#endif
