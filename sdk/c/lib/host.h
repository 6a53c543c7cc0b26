/*
 * What the host tells and hears beside the documents.
 */
#ifndef VERWALTER_HOST_H
#define VERWALTER_HOST_H

#include "text.h"

/** How grave a line is. */
enum vw_level {
    VW_TRACE, /* for the author */
    VW_DEBUG, /* for the author */
    VW_INFO,  /* a person may want to know */
    VW_WARN,  /* degraded */
    VW_ERROR  /* needs a person */
};

/** Writes one line for people. It never decides anything; a call that logs more than its manifest allows is ended. */
void vw_log(enum vw_level level, vw_text line);

/** Numbers, one a peer, in ascending order of hostname; `values` is NULL where there is no such column. NaN: no sample. */
struct vw_column {
    const double *values;
    size_t count;
};

/** The host's column `name`: a metric of the manifest, or `placed.ROLE`. */
struct vw_column vw_host_column(vw_text name);

/** Texts, one a peer, in the same order; `values` is NULL where nothing is known. "": the peer has none. */
struct vw_texts {
    const vw_text *values;
    size_t count;
};

/** The host's attribute `name`: `hostname`, `id`, `name`, `addr`, `since`, `schedule`, `errors`, or a machine fact by its dotted path (`disk.ssd`). */
struct vw_texts vw_host_attribute(vw_text name);

#endif
