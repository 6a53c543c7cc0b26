/* The policy: keeps a schedule to a budget, and protected roles from vanishing. */
#include "plugin.h"

#include "config.h"

static void check_budgets(const struct config *config, const struct vw_counts *now, struct vw_verdict *verdict) {
    for (size_t i = 0; i < config->most_count; i++) {
        const struct budget *budget = &config->most[i];
        int64_t instances = vw_instances_of(now, budget->role);
        if (instances > budget->most) {
            vw_deny(verdict, VW_JOIN(budget->role, VW_TEXT(": "), vw_text_of_integer(instances), VW_TEXT(" instances, at most "),
                                     vw_text_of_integer(budget->most), VW_TEXT(" may be")));
        }
    }
}

static void check_protected(const struct config *config, const struct vw_counts *before, const struct vw_counts *now,
                            struct vw_verdict *verdict) {
    for (struct vw_items walk = vw_json_items(config->protected); vw_json_next_item(&walk);) {
        vw_text role = vw_json_text_or(walk.value, VW_TEXT(""));
        if (vw_instances_of(before, role) > 0 && vw_instances_of(now, role) == 0) {
            vw_deny(verdict, VW_JOIN(role, VW_TEXT(": protected, and would be gone")));
        }
    }
}

static void warn_of_moves(vw_json diff, struct vw_verdict *verdict) {
    size_t count;
    const struct vw_member *moved = vw_json_sorted(vw_json_get(diff, VW_TEXT("moved")), &count);
    for (size_t i = 0; i < count; i++) {
        vw_warn(verdict, VW_JOIN(moved[i].key, VW_TEXT(": "), vw_json_raw(moved[i].value), VW_TEXT(" moved")));
    }
}

static vw_error review(struct vw_review *review, struct vw_verdict *verdict) {
    struct config config;
    vw_error error = config_read(review->config, &config);
    if (error != NULL) {
        return error;
    }
    struct vw_counts before = vw_counts_of(review->previous), now = vw_counts_of(review->schedule);
    check_budgets(&config, &now, verdict);
    check_protected(&config, &before, &now, verdict);
    warn_of_moves(review->diff, verdict);
    vw_log(VW_INFO, vw_denies(verdict) ? VW_TEXT("deny") : VW_TEXT("allow"));
    return NULL;
}

static vw_error check_config(vw_json config) {
    struct config unused;
    return config_read(config, &unused);
}

const struct vw_policy plugin = {
    .about =
        {
            .name = "sample-policy",
            .version = "0.1.0",
            .input = VW_COLUMNS,
            .check_config = check_config,
        },
    .review = review,
};

VW_POLICY(plugin);
