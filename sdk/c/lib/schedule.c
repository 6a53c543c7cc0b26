#include "schedule.h"

#include <string.h>

#include "memory.h"
#include "sort.h"

/* Variables by name, ascending, so that the last of several can take the place of the first. */
struct vars {
    struct vw_member *members;
    size_t count, cap;
};

struct placement {
    size_t peer;
    int64_t instances;
    struct vars vars;
    vw_text why;
};

struct vw_role {
    vw_text name;
    const struct vw_schedule *schedule;
    struct vars vars;
    struct placement *placements;
    size_t count, cap;
    bool ascending; /* each peer behind the one before */
};

struct node {
    struct vars vars;
};

struct vw_schedule {
    struct vw_texts hostnames;
    struct vw_role **roles; /* ascending */
    size_t count, cap;
    struct vars vars, actions;
    struct node *nodes; /* one a peer, or NULL where none has variables */
    vw_json state;
    struct vw_buffer changes, log;
};

/* Room for one more of `size` bytes in an array of `cap`. */
static void *grown(void *array, size_t count, size_t *cap, size_t size) {
    if (count < *cap) {
        return array;
    }
    size_t before = *cap;
    *cap = before == 0 ? 4 : before * 2;
    return vw_extend(array, before * size, *cap * size);
}

/* The first of `count` whose key is not below `key`. */
static size_t place_of(const struct vars *vars, vw_text key) {
    size_t low = 0, high = vars->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vw_text_compare(vars->members[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static vw_error set(struct vars *vars, vw_text key, vw_json value) {
    if (vw_json_type(value) == VW_TYPE_ABSENT) {
        return VW_FAIL(VW_TEXT("the value of `"), key, VW_TEXT("` is no JSON: numbers are finite and whole ones within 2^53"));
    }
    if (!vw_text_is_utf8(key)) {
        return VW_FAIL(VW_TEXT("the name of a variable is no UTF-8"));
    }
    size_t at = place_of(vars, key);
    if (at == vars->count || !vw_text_equal(vars->members[at].key, key)) {
        vars->members = grown(vars->members, vars->count, &vars->cap, sizeof *vars->members);
        memmove(vars->members + at + 1, vars->members + at, (vars->count - at) * sizeof *vars->members);
        vars->count++;
    }
    vars->members[at] = (struct vw_member){key, value};
    return NULL;
}

static vw_error reserved(vw_text key) {
    return VW_FAIL(VW_TEXT("the variable `"), key, VW_TEXT("` is the contract's own: use the function that sets it"));
}

static vw_error check_peer(const struct vw_schedule *schedule, vw_text subject, size_t peer) {
    return peer < schedule->hostnames.count
               ? NULL
               : VW_FAIL(subject, VW_TEXT(": there is no peer "), vw_text_of_integer((int64_t)peer), VW_TEXT(", the input has "),
                         vw_text_of_integer((int64_t)schedule->hostnames.count));
}

bool vw_is_role_name(vw_text name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        bool begins = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!begins && (i == 0 || (c != '_' && c != '.' && c != '-'))) {
            return false;
        }
    }
    return name.len >= 1 && name.len <= 64;
}

struct vw_schedule *vw_schedule_new(struct vw_texts hostnames) {
    struct vw_schedule *schedule = vw_take(1, sizeof *schedule);
    *schedule = (struct vw_schedule){.hostnames = hostnames};
    return schedule;
}

vw_error vw_schedule_role(struct vw_schedule *schedule, vw_text name, struct vw_role **role) {
    if (!vw_is_role_name(name)) {
        return VW_FAIL(name, VW_TEXT(" is no role name: write [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes"));
    }
    size_t low = 0, high = schedule->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vw_text_compare(schedule->roles[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == schedule->count || !vw_text_equal(schedule->roles[low]->name, name)) {
        struct vw_role *fresh = vw_take(1, sizeof *fresh);
        *fresh = (struct vw_role){.name = name, .schedule = schedule, .ascending = true};
        schedule->roles = grown(schedule->roles, schedule->count, &schedule->cap, sizeof *schedule->roles);
        memmove(schedule->roles + low + 1, schedule->roles + low, (schedule->count - low) * sizeof *schedule->roles);
        schedule->roles[low] = fresh;
        schedule->count++;
    }
    *role = schedule->roles[low];
    return NULL;
}

vw_error vw_role_set(struct vw_role *role, vw_text key, vw_json value) {
    return vw_text_equal(key, VW_TEXT("place")) ? reserved(key) : set(&role->vars, key, value);
}

vw_error vw_role_place(struct vw_role *role, size_t peer, int64_t instances) {
    vw_error error = check_peer(role->schedule, role->name, peer);
    if (error != NULL) {
        return error;
    }
    if (instances < 1 || instances > VW_MOST_INSTANCES) {
        return VW_FAIL(role->name, VW_TEXT(": "), vw_text_of_integer(instances),
                       VW_TEXT(" instances on one node, 1 to 1000000 may be"));
    }
    role->ascending = role->ascending && (role->count == 0 || role->placements[role->count - 1].peer < peer);
    role->placements = grown(role->placements, role->count, &role->cap, sizeof *role->placements);
    role->placements[role->count] = (struct placement){.peer = peer, .instances = instances};
    role->count++;
    return NULL;
}

static vw_error last_placement(struct vw_role *role, struct placement **placement) {
    if (role->count == 0) {
        return VW_FAIL(role->name, VW_TEXT(": nothing is placed yet: call vw_role_place first"));
    }
    *placement = &role->placements[role->count - 1];
    return NULL;
}

vw_error vw_role_place_set(struct vw_role *role, vw_text key, vw_json value) {
    struct placement *placement;
    vw_error error = vw_text_equal(key, VW_TEXT("instances")) ? reserved(key) : last_placement(role, &placement);
    return error != NULL ? error : set(&placement->vars, key, value);
}

vw_error vw_role_why(struct vw_role *role, vw_text reason) {
    struct placement *placement;
    vw_error error = last_placement(role, &placement);
    if (error == NULL) {
        placement->why = reason;
    }
    return error;
}

vw_error vw_schedule_set(struct vw_schedule *schedule, vw_text key, vw_json value) {
    return set(&schedule->vars, key, value);
}

vw_error vw_schedule_set_on(struct vw_schedule *schedule, size_t peer, vw_text key, vw_json value) {
    vw_error error = check_peer(schedule, VW_TEXT("variables"), peer);
    if (error != NULL) {
        return error;
    }
    if (schedule->nodes == NULL) {
        schedule->nodes = vw_take(schedule->hostnames.count, sizeof *schedule->nodes);
        memset(schedule->nodes, 0, schedule->hostnames.count * sizeof *schedule->nodes);
    }
    return set(&schedule->nodes[peer].vars, key, value);
}

vw_error vw_schedule_state(struct vw_schedule *schedule, vw_json value) {
    if (vw_json_type(value) == VW_TYPE_ABSENT) {
        return VW_FAIL(VW_TEXT("the value of `state` is no JSON"));
    }
    schedule->state = value;
    return NULL;
}

vw_error vw_schedule_action(struct vw_schedule *schedule, vw_text id, vw_json value) {
    return set(&schedule->actions, id, value);
}

void vw_schedule_change(struct vw_schedule *schedule, vw_text line) {
    vw_put_byte(&schedule->changes, schedule->changes.len == 0 ? '[' : ',');
    vw_put_text(&schedule->changes, line);
}

void vw_schedule_log(struct vw_schedule *schedule, vw_text line) {
    vw_put(&schedule->log, line);
    vw_put_byte(&schedule->log, '\n');
}

static void put_vars(struct vw_buffer *out, const struct vars *vars) {
    for (size_t i = 0; i < vars->count; i++) {
        vw_put_key(out, vars->members[i].key);
        vw_put_json(out, vars->members[i].value);
    }
}

static void put_mapping(struct vw_buffer *out, vw_text key, const struct vars *vars) {
    if (vars->count != 0) {
        vw_put_key(out, key);
        vw_put_byte(out, '{');
        put_vars(out, vars);
        vw_put_byte(out, '}');
    }
}

static int by_peer(const void *a, const void *b) {
    const struct placement *left = a, *right = b;
    return (left->peer > right->peer) - (left->peer < right->peer);
}

/* Leaves one placement a peer, the last, ascending. */
static void settle(struct vw_role *role) {
    if (role->ascending) {
        return;
    }
    vw_sort(role->placements, role->count, sizeof *role->placements, by_peer);
    size_t kept = 0;
    for (size_t i = 0; i < role->count; i++) {
        if (i + 1 == role->count || role->placements[i + 1].peer != role->placements[i].peer) {
            role->placements[kept++] = role->placements[i];
        }
    }
    role->count = kept;
    role->ascending = true;
}

static void put_role(struct vw_buffer *out, const struct vw_role *role) {
    vw_put_key(out, role->name);
    vw_put_byte(out, '{');
    put_vars(out, &role->vars);
    vw_put_key(out, VW_TEXT("place"));
    vw_put_byte(out, '{');
    for (size_t i = 0; i < role->count; i++) {
        const struct placement *placement = &role->placements[i];
        vw_put_key(out, role->schedule->hostnames.values[placement->peer]);
        if (placement->vars.count == 0) {
            vw_put_integer(out, placement->instances);
            continue;
        }
        vw_put(out, VW_TEXT("{\"instances\":"));
        vw_put_integer(out, placement->instances);
        put_vars(out, &placement->vars);
        vw_put_byte(out, '}');
    }
    vw_put(out, VW_TEXT("}}"));
}

static void put_schedule(struct vw_buffer *out, const struct vw_schedule *schedule) {
    vw_put(out, VW_TEXT("{\"roles\":{"));
    for (size_t i = 0; i < schedule->count; i++) {
        settle(schedule->roles[i]);
        put_role(out, schedule->roles[i]);
    }
    vw_put_byte(out, '}');
    put_mapping(out, VW_TEXT("vars"), &schedule->vars);
    if (schedule->nodes != NULL) {
        vw_put_key(out, VW_TEXT("nodes"));
        vw_put_byte(out, '{');
        for (size_t i = 0; i < schedule->hostnames.count; i++) {
            if (schedule->nodes[i].vars.count != 0) {
                vw_put_key(out, schedule->hostnames.values[i]);
                vw_put_byte(out, '{');
                put_mapping(out, VW_TEXT("vars"), &schedule->nodes[i].vars);
                vw_put_byte(out, '}');
            }
        }
        vw_put_byte(out, '}');
    }
    if (vw_json_type(schedule->state) != VW_TYPE_ABSENT) {
        vw_put_key(out, VW_TEXT("state"));
        vw_put_json(out, schedule->state);
    }
    vw_put_byte(out, '}');
}

static void put_reasons(struct vw_buffer *out, const struct vw_schedule *schedule) {
    bool any = false;
    for (size_t i = 0; i < schedule->count; i++) {
        const struct vw_role *role = schedule->roles[i];
        bool begun = false;
        for (size_t p = 0; p < role->count; p++) {
            if (role->placements[p].why.len == 0) {
                continue;
            }
            if (!any) {
                vw_put_key(out, VW_TEXT("why"));
                vw_put_byte(out, '{');
                any = true;
            }
            if (!begun) {
                vw_put_key(out, role->name);
                vw_put_byte(out, '{');
                begun = true;
            }
            vw_put_key(out, schedule->hostnames.values[role->placements[p].peer]);
            vw_put_text(out, role->placements[p].why);
        }
        if (begun) {
            vw_put_byte(out, '}');
        }
    }
    if (any) {
        vw_put_byte(out, '}');
    }
}

void vw_schedule_write(struct vw_schedule *schedule, struct vw_buffer *out) {
    vw_put(out, VW_TEXT("{\"v\":1,\"schedule\":"));
    put_schedule(out, schedule);
    put_mapping(out, VW_TEXT("actions"), &schedule->actions);
    put_reasons(out, schedule);
    if (schedule->changes.len != 0) {
        vw_put_key(out, VW_TEXT("changes"));
        vw_put(out, (vw_text){schedule->changes.bytes, schedule->changes.len});
        vw_put_byte(out, ']');
    }
    if (schedule->log.len != 0) {
        vw_put_key(out, VW_TEXT("log"));
        vw_put_text(out, (vw_text){schedule->log.bytes, schedule->log.len - 1});
    }
    vw_put_byte(out, '}');
}
