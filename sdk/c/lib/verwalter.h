/*
 * The SDK for verwalter plugins in C: all of it. A plugin is one of scheduler, policy, filters and query plugin; see the header of
 * its kind, and json.h for how documents are read and values written.
 *
 * Conventions: texts are slices (text.h); memory is taken and never freed (memory.h); a function that can fail returns a vw_error,
 * NULL where it did not; positions of peers count from 0 in ascending order of hostname.
 */
#ifndef VERWALTER_H
#define VERWALTER_H

#include "filter.h"
#include "host.h"
#include "json.h"
#include "memory.h"
#include "policy.h"
#include "query.h"
#include "scheduler.h"
#include "sort.h"
#include "text.h"

#endif
