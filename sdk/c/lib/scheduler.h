/*
 * A scheduler: decides where what runs.
 *
 *     static vw_error schedule(struct vw_input *input, struct vw_schedule *schedule);
 *     const struct vw_scheduler plugin = {{.name = "mine", .version = "0.1.0", .input = VW_COLUMNS, .reads = VW_READS_RUNTIME}, schedule};
 *     VW_SCHEDULER(plugin);
 */
#ifndef VERWALTER_SCHEDULER_H
#define VERWALTER_SCHEDULER_H

#include "plugin.h"
#include "schedule.h"
#include "snapshot.h"

/** One decision's input. */
struct vw_input {
    int64_t now_ms;        /* since the Unix epoch: the only clock */
    int64_t round;         /* number of this decision within the term, from 1 */
    int64_t term;          /* number of the leadership, from 1 */
    vw_text current_host;  /* the leader's hostname */
    vw_text current_id;    /* and id: 32 hexadecimal digits */
    vw_json config;        /* the manifest's */
    vw_json runtime;       /* the operators' metadata: `runtime/web.yaml` is the key `web`. Absent unless it is read; so are */
    vw_json parents;       /* the schedules that this decision follows, and */
    vw_json actions;       /* the operators' pending actions by id */
    vw_json document;      /* all of it */
    struct vw_snapshot snapshot;
    struct vw_texts hostnames; /* of all peers, ascending: the order of every column */
};

struct vw_scheduler {
    struct vw_about about;
    /** Fills `schedule`. An error keeps the schedule in force and shows its text in the status. */
    vw_error (*schedule)(struct vw_input *input, struct vw_schedule *schedule);
};

/** What `schedule` answers to an input document. */
vw_text vw_answer_schedule(const struct vw_scheduler *plugin, vw_text document);

/** Exports `plugin`, once in a plugin. */
#define VW_SCHEDULER(plugin) \
    VW_EXPORT(vw_schedule, vw_answer_schedule(&(plugin), input)) \
    VW_EXPORT_ABOUT((plugin).about, "scheduler", true)

#endif
