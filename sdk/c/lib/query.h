/*
 * A query plugin: answers questions about the cluster, and may choose the roles that a node renders.
 *
 *     static vw_error query(const struct vw_question *question, vw_json *answer);
 *     const struct vw_querying plugin = {{.name = "mine", .version = "0.1.0"}, query, NULL};
 *     VW_QUERY(plugin);
 */
#ifndef VERWALTER_QUERY_H
#define VERWALTER_QUERY_H

#include "host.h"
#include "plugin.h"
#include "snapshot.h"

/** A question to `/v1/query/PATH`. */
struct vw_question {
    int64_t now_ms;          /* since the Unix epoch: the only clock */
    vw_text path;            /* what follows `/v1/query/`, decoded */
    vw_text method;          /* `GET`, `POST` */
    vw_json query;           /* a mapping of the URL's parameters to texts, decoded */
    vw_json body;            /* the request's JSON; null where there was none */
    vw_text hostname;        /* the node that was asked */
    vw_json config;          /* the manifest's */
    vw_json schedule;        /* the one in force there, in canonical form; absent where there is none */
    vw_text schedule_digest; /* its digest, `sha256:…`; "" where there is none */
    int64_t since_ms;        /* when it came into force there; 0 where there is none */
    vw_json document;        /* all of it */
};

struct vw_querying {
    struct vw_about about;
    /** Gives the answer, any JSON. An error becomes the response's error. */
    vw_error (*query)(const struct vw_question *question, vw_json *answer);
    /** Gives the roles that a node renders (`{"v": 1, "to_render": …}`), or null for those of the schedule; NULL: always null. */
    vw_error (*render_roles)(vw_json document, vw_json *answer);
};

/** What `query` answers to a question. */
vw_text vw_answer_query(const struct vw_querying *plugin, vw_text document);

/** What `render-roles` answers to a render document. */
vw_text vw_answer_render_roles(const struct vw_querying *plugin, vw_text document);

/** Exports `plugin`, once in a plugin. */
#define VW_QUERY(plugin) \
    VW_EXPORT(vw_query, vw_answer_query(&(plugin), input)) \
    VW_EXPORT(vw_render_roles, vw_answer_render_roles(&(plugin), input)) \
    VW_EXPORT_ABOUT((plugin).about, "query", false)

#endif
