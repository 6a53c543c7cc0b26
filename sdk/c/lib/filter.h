/*
 * Filters: helpers for templates.
 *
 *     static vw_error shout(const struct vw_args *args, vw_json *result);
 *     static const struct vw_filter filters[] = {{"shout", {"text"}, shout}};
 *     const struct vw_filters plugin = {{.name = "mine", .version = "0.1.0"}, filters, 1};
 *     VW_FILTERS(plugin);
 *
 * Arguments go by position or by name. Errors about them, and the filter's own, begin with the filter's name.
 */
#ifndef VERWALTER_FILTER_H
#define VERWALTER_FILTER_H

#include "host.h"
#include "plugin.h"

/** The most arguments of one filter. Arbitrary, above what a template can be read with. */
enum { VW_MOST_ARGUMENTS = 16 };

struct vw_args;

/** One filter. */
struct vw_filter {
    const char *name;                         /* `[A-Za-z][A-Za-z0-9_]*`, at most 64 bytes */
    const char *arguments[VW_MOST_ARGUMENTS]; /* their names, by position */
    /** Gives the result, any JSON; a text prints without its quotes. An error fails the render of the role. */
    vw_error (*apply)(const struct vw_args *args, vw_json *result);
};

/** What a template passed, by position or by name. */
struct vw_args {
    const struct vw_filter *filter;
    vw_json values[VW_MOST_ARGUMENTS]; /* absent where one was left out */
};

/* Each of these reads argument `index`, from 0. An error says which argument, what was expected and what came. */

/** Whatever it is. */
vw_error vw_arg_any(const struct vw_args *args, size_t index, vw_json *value);

/** A text. */
vw_error vw_arg_text(const struct vw_args *args, size_t index, vw_text *text);

/** A text, or `otherwise` where it was left out. */
vw_error vw_arg_text_or(const struct vw_args *args, size_t index, vw_text otherwise, vw_text *text);

/** A whole number, or a text of one: templates often have numbers as texts. What is beyond 64 bits is their end. */
vw_error vw_arg_integer(const struct vw_args *args, size_t index, int64_t *integer);

/** A list. */
vw_error vw_arg_list(const struct vw_args *args, size_t index, vw_json *list);

/** The error that argument `index`, which was given, is not what was expected: `a whole number of at least 0`. */
vw_error vw_arg_wrong(const struct vw_args *args, size_t index, vw_text expected);

struct vw_filters {
    struct vw_about about;
    const struct vw_filter *filters;
    size_t count;
};

/** What `filters` answers: their names. */
vw_text vw_answer_filters(const struct vw_filters *plugin);

/** What `apply` answers to a call: `{"name": text, "args": list}`. */
vw_text vw_answer_apply(const struct vw_filters *plugin, vw_text call);

/** Exports `plugin`, once in a plugin. */
#define VW_FILTERS(plugin) \
    VW_EXPORT(vw_filters, vw_answer_filters(&(plugin))) \
    VW_EXPORT(vw_apply, vw_answer_apply(&(plugin), input)) \
    VW_EXPORT_ABOUT((plugin).about, "filter", false)

#endif
