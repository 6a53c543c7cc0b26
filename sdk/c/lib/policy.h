/*
 * A policy: allows or denies a schedule before it comes into force.
 *
 *     static vw_error review(struct vw_review *review, struct vw_verdict *verdict);
 *     const struct vw_policy plugin = {{.name = "mine", .version = "0.1.0", .input = VW_COLUMNS}, review};
 *     VW_POLICY(plugin);
 */
#ifndef VERWALTER_POLICY_H
#define VERWALTER_POLICY_H

#include "plugin.h"
#include "snapshot.h"

/** One review's input. */
struct vw_review {
    int64_t now_ms;       /* since the Unix epoch: the only clock */
    int64_t round;        /* number of the decision within the term, from 1 */
    int64_t term;         /* number of the leadership, from 1 */
    vw_text current_host; /* the leader's hostname */
    vw_text current_id;   /* and id: 32 hexadecimal digits */
    vw_json config;       /* the manifest's */
    vw_json schedule;     /* the one in question, in canonical form */
    vw_json previous;     /* the one in force; absent before the first */
    vw_json diff;         /* what changes: `added`, `removed`, `moved`, `changed` */
    vw_json runtime;      /* the operators' metadata; absent unless it is read */
    vw_json document;     /* all of it */
    struct vw_snapshot snapshot;
};

/** Allows, until something is said against it. */
struct vw_verdict;

/** The most reasons, and the most warnings, of one verdict, and the most code points of each: further ones are left out. */
enum { VW_MOST_REMARKS = 100, VW_MOST_REMARK_CHARS = 500 };

/** Denies, for this reason: a line for people. */
void vw_deny(struct vw_verdict *verdict, vw_text reason);

/** What a person should know, whatever the verdict. */
void vw_warn(struct vw_verdict *verdict, vw_text warning);

/** Whether something was said against it. */
bool vw_denies(const struct vw_verdict *verdict);

/** Instances of each role over all nodes, ascending by role. */
struct vw_counts {
    const struct vw_count {
        vw_text role;
        int64_t instances;
    } *roles;
    size_t count;
};

/** Counts a schedule in canonical form. O(placements · log placements). */
struct vw_counts vw_counts_of(vw_json schedule);

/** Instances of one role; 0 where it has none. O(log roles). */
int64_t vw_instances_of(const struct vw_counts *counts, vw_text role);

struct vw_policy {
    struct vw_about about;
    /** Fills `verdict`. An error counts as the manifest's `on-failure` says. */
    vw_error (*review)(struct vw_review *review, struct vw_verdict *verdict);
};

/** What `review` answers to an input document. */
vw_text vw_answer_review(const struct vw_policy *plugin, vw_text document);

/** Exports `plugin`, once in a plugin. */
#define VW_POLICY(plugin) \
    VW_EXPORT(vw_review, vw_answer_review(&(plugin), input)) \
    VW_EXPORT_ABOUT((plugin).about, "policy", true)

#endif
