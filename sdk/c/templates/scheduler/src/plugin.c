/* The scheduler: from the input to the answer. What is decided stands in decide.c. */
#include "plugin.h"

#include <string.h>

#include "config.h"
#include "decide.h"
#include "wanted.h"

static vw_error set_vars(struct vw_role *role, const struct wanted *wanted) {
    vw_error error = NULL;
    for (struct vw_members vars = vw_json_members(wanted->vars); error == NULL && vw_json_next_member(&vars);) {
        error = vw_role_set(role, vars.key, vars.value);
    }
    if (error == NULL && vw_json_type(wanted->template) != VW_TYPE_ABSENT) {
        error = vw_role_set(role, VW_TEXT("template"), wanted->template);
    }
    return error;
}

static vw_text reason(uint32_t before, uint32_t now) {
    if (before == 0) {
        return VW_TEXT("new");
    }
    return before >= now ? VW_TEXT("kept")
                         : VW_JOIN(vw_text_of_integer(before), VW_TEXT(" kept, "), vw_text_of_integer(now - before), VW_TEXT(" new"));
}

static void tell(const struct wanted *wanted, int64_t missing) {
    vw_text placed = VW_JOIN(wanted->role, VW_TEXT(": "), vw_text_of_integer(wanted->instances - missing), VW_TEXT(" placed"));
    if (missing == 0) {
        vw_log(VW_INFO, placed);
    } else {
        vw_log(VW_WARN, VW_JOIN(placed, VW_TEXT(", "), vw_text_of_integer(missing), VW_TEXT(" missing")));
    }
}

/* `now` has room for a number a peer, and is the same for all roles. */
static vw_error place(struct vw_input *input, const struct ranking *ranking, const struct wanted *wanted, uint32_t *now,
                      struct vw_schedule *schedule) {
    struct vw_role *role;
    vw_error error = vw_schedule_role(schedule, wanted->role, &role);
    if (error == NULL) {
        error = set_vars(role, wanted);
    }
    const uint32_t *before = NULL;
    if (error == NULL) {
        error = vw_placed(&input->snapshot, wanted->role, &before);
    }
    if (error != NULL) {
        return error;
    }
    memcpy(now, before, ranking->count * sizeof *now);
    int64_t missing = decide_instances(ranking, wanted->instances, now);
    for (size_t peer = 0; error == NULL && peer < ranking->count; peer++) {
        if (now[peer] != 0) {
            error = vw_role_place(role, peer, now[peer]);
            vw_role_why(role, reason(before[peer], now[peer]));
        }
    }
    tell(wanted, missing);
    return error;
}

static vw_error schedule(struct vw_input *input, struct vw_schedule *schedule) {
    struct config config;
    const struct wanted *roles;
    size_t count;
    vw_error error = config_read(input->config, &config);
    if (error == NULL) {
        error = wanted_read(input->runtime, &roles, &count);
    }
    if (error != NULL || count == 0) {
        return error;
    }
    const double *busy;
    error = vw_column(&input->snapshot, VW_TEXT("cpu"), &busy);
    if (error != NULL) {
        return error;
    }
    if (busy == NULL) {
        return VW_FAIL(VW_TEXT("no column cpu: declare it under metrics in the manifest"));
    }
    struct ranking ranking = decide_ranking(busy, input->hostnames.count, config.max_busy);
    uint32_t *now = vw_take(ranking.count, sizeof *now);
    for (size_t i = 0; error == NULL && i < count; i++) {
        error = place(input, &ranking, &roles[i], now, schedule);
    }
    return error;
}

static vw_error check_config(vw_json config) {
    struct config unused;
    return config_read(config, &unused);
}

const struct vw_scheduler plugin = {
    .about =
        {
            .name = "sample-scheduler",
            .version = "0.1.0",
            .input = VW_COLUMNS,
            .reads = VW_READS_RUNTIME,
            .check_config = check_config,
        },
    .schedule = schedule,
};

VW_SCHEDULER(plugin);
