#include "policy.h"

#include <stdlib.h>

#include "document.h"
#include "memory.h"
#include "sort.h"

struct remarks {
    struct vw_buffer list;
    size_t count;
};

struct vw_verdict {
    struct remarks reasons, warnings;
};

/* What the contract refuses, no remark or a longer one, is mended here: a verdict must not fail by its wording. */
static void remark(struct remarks *remarks, vw_text text) {
    if (remarks->count == VW_MOST_REMARKS) {
        return;
    }
    vw_put_byte(&remarks->list, remarks->count++ == 0 ? '[' : ',');
    vw_put_text(&remarks->list, vw_text_is_blank(text) ? VW_TEXT("(nothing was said)") : vw_text_first_chars(text, VW_MOST_REMARK_CHARS));
}

void vw_deny(struct vw_verdict *verdict, vw_text reason) {
    remark(&verdict->reasons, reason);
}

void vw_warn(struct vw_verdict *verdict, vw_text warning) {
    remark(&verdict->warnings, warning);
}

bool vw_denies(const struct vw_verdict *verdict) {
    return verdict->reasons.count != 0;
}

static int by_role(const void *a, const void *b) {
    return vw_text_compare(((const struct vw_count *)a)->role, ((const struct vw_count *)b)->role);
}

struct vw_counts vw_counts_of(vw_json schedule) {
    vw_json nodes = vw_json_get(schedule, VW_TEXT("nodes"));
    struct vw_count *counts = NULL;
    size_t count = 0, cap = 0;
    for (struct vw_members node = vw_json_members(nodes); vw_json_next_member(&node);) {
        struct vw_members role = vw_json_members(vw_json_get(node.value, VW_TEXT("roles")));
        while (vw_json_next_member(&role)) {
            if (count == cap) {
                size_t before = cap;
                cap = cap == 0 ? 64 : cap * 2;
                counts = vw_extend(counts, before * sizeof *counts, cap * sizeof *counts);
            }
            int64_t instances = 1;
            vw_json_integer(vw_json_get(role.value, VW_TEXT("instances")), 0, INT64_MAX, &instances);
            counts[count++] = (struct vw_count){role.key, instances};
        }
    }
    if (count == 0) {
        return (struct vw_counts){NULL, 0};
    }
    vw_sort(counts, count, sizeof *counts, by_role);
    size_t last = 0;
    for (size_t i = 1; i < count; i++) {
        if (by_role(&counts[last], &counts[i]) != 0) {
            counts[++last] = counts[i];
        } else if (counts[last].instances < INT64_MAX - counts[i].instances) {
            counts[last].instances += counts[i].instances;
        }
    }
    return (struct vw_counts){counts, last + 1};
}

int64_t vw_instances_of(const struct vw_counts *counts, vw_text role) {
    const struct vw_count wanted = {role, 0};
    const struct vw_count *found =
        counts->count == 0 ? NULL : bsearch(&wanted, counts->roles, counts->count, sizeof *counts->roles, by_role);
    return found == NULL ? 0 : found->instances;
}

static void put_remarks(struct vw_buffer *out, vw_text key, const struct remarks *remarks) {
    if (remarks->count != 0) {
        vw_put_key(out, key);
        vw_put(out, (vw_text){remarks->list.bytes, remarks->list.len});
        vw_put_byte(out, ']');
    }
}

vw_text vw_answer_review(const struct vw_policy *plugin, vw_text document) {
    struct vw_document all;
    vw_error error = vw_document_read(document, &all);
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_review review = {
        .now_ms = vw_document_integer(&all, VW_TEXT("now")),
        .round = vw_document_integer(&all, VW_TEXT("round")),
        .term = vw_document_integer(&all, VW_TEXT("term")),
        .current_host = vw_document_text(&all, VW_TEXT("current_host")),
        .current_id = vw_document_text(&all, VW_TEXT("current_id")),
        .config = vw_document_get(&all, VW_TEXT("config")),
        .schedule = vw_document_get(&all, VW_TEXT("schedule")),
        .previous = vw_document_get_unless_null(&all, VW_TEXT("previous")),
        .diff = vw_document_get(&all, VW_TEXT("diff")),
        .runtime = vw_document_get(&all, VW_TEXT("runtime")),
        .document = all.value,
        .snapshot = vw_snapshot_of(&all),
    };
    struct vw_verdict verdict = {0};
    error = plugin->review(&review, &verdict);
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_buffer out = vw_answer_begin();
    vw_put(&out, vw_denies(&verdict) ? VW_TEXT("{\"v\":1,\"verdict\":\"deny\"") : VW_TEXT("{\"v\":1,\"verdict\":\"allow\""));
    put_remarks(&out, VW_TEXT("reasons"), &verdict.reasons);
    put_remarks(&out, VW_TEXT("warnings"), &verdict.warnings);
    vw_put_byte(&out, '}');
    return vw_answer_of(&out);
}
