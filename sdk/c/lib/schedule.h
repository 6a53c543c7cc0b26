/*
 * A schedule that is being made. What the host would refuse for its form cannot be said with it: names are checked, only the
 * input's peers are named, instances lie in their range, values are sound JSON.
 */
#ifndef VERWALTER_SCHEDULE_H
#define VERWALTER_SCHEDULE_H

#include "host.h"
#include "json.h"

struct vw_schedule;
struct vw_role;

/** The most instances of one role on one node. */
enum { VW_MOST_INSTANCES = 1000000 };

/** Whether `name` is a role's: `[a-z0-9][a-z0-9_.-]*`, 1 to 64 bytes. */
bool vw_is_role_name(vw_text name);

/** A schedule over these peers, without roles. */
struct vw_schedule *vw_schedule_new(struct vw_texts hostnames);

/** The role `name`, new or begun before. A role without placements is in the schedule too. O(log roles) in ascending order. */
vw_error vw_schedule_role(struct vw_schedule *schedule, vw_text name, struct vw_role **role);

/** Sets a variable of the role on every node; the last of several counts. `template`, `ROLE/VERSION`, names what nodes render. */
vw_error vw_role_set(struct vw_role *role, vw_text key, vw_json value);

/** Places 1 to VW_MOST_INSTANCES of the role on a peer; the last of several counts. Cheapest in ascending order of peers. */
vw_error vw_role_place(struct vw_role *role, size_t peer, int64_t instances);

/** Sets a variable of the role's last placement: the most specific level. */
vw_error vw_role_place_set(struct vw_role *role, vw_text key, vw_json value);

/** Says why the role's last placement stands there: a short text for people, outside the schedule's digest. */
vw_error vw_role_why(struct vw_role *role, vw_text reason);

/** Sets a variable of every role on every node: the most general level. */
vw_error vw_schedule_set(struct vw_schedule *schedule, vw_text key, vw_json value);

/** Sets a variable of every role on one peer: more specific than a role's, less than a placement's. */
vw_error vw_schedule_set_on(struct vw_schedule *schedule, size_t peer, vw_text key, vw_json value);

/** Keeps something for the next decision, which finds it in its parent. It is part of the schedule: a new one makes a new schedule. */
vw_error vw_schedule_state(struct vw_schedule *schedule, vw_json value);

/** Answers the operators' action `id`: what is answered is no longer pending. */
vw_error vw_schedule_action(struct vw_schedule *schedule, vw_text id, vw_json value);

/** Adds a line about what changed, for people; outside the schedule's digest. */
void vw_schedule_change(struct vw_schedule *schedule, vw_text line);

/** Adds a line to the text for the author, which the host shows beside the decision. */
void vw_schedule_log(struct vw_schedule *schedule, vw_text line);

/** Appends the whole answer. */
void vw_schedule_write(struct vw_schedule *schedule, struct vw_buffer *out);

#endif
