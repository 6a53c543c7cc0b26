/*
 * A host for native tests: it has the columns and attributes that a test gives it and keeps the lines that were logged.
 */
#ifndef VERWALTER_STUB_H
#define VERWALTER_STUB_H

#include "../host.h"

/** Forgets columns, attributes and lines, and takes back the memory of the calls so far: begin each test with it. */
void stub_begin(void);

/** Gives the host a column. `values` stay the caller's. */
void stub_column(const char *name, const double *values, size_t count);

/** Gives the host an attribute, `hostname` among them. `values` stay the caller's. */
void stub_attribute(const char *name, const char *const *values, size_t count);

/** What was logged since stub_begin, `LEVEL TEXT` and a line feed each. */
const char *stub_logged(void);

#endif
