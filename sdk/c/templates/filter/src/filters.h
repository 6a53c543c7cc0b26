/* The filters, each in a file of its own. */
#ifndef FILTERS_H
#define FILTERS_H

#include "sdk/verwalter.h"

/* `slug text`: the text as a part of a file or host name. */
vw_error slug(const struct vw_args *args, vw_json *result);

/* `truncate text length [end]`: the text, cut to so many characters. */
vw_error truncate_text(const struct vw_args *args, vw_json *result);

/* `pick value path [default]`: the part of a value at a dotted path. */
vw_error pick(const struct vw_args *args, vw_json *result);

#endif
