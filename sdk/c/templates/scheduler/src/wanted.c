#include "wanted.h"

static vw_error must(vw_text role, vw_text what) {
    return VW_FAIL(VW_TEXT("runtime: "), role, what);
}

static vw_error read_one(vw_text role, vw_json mapping, struct wanted *wanted) {
    static const char *const reserved[] = {"place", "template"};
    if (!vw_is_role_name(role)) {
        return must(role, VW_TEXT(" is no role name"));
    }
    if (vw_json_type(mapping) != VW_TYPE_MAPPING) {
        return must(role, VW_TEXT(" must be a mapping"));
    }
    *wanted = (struct wanted){
        .role = role,
        .template = vw_json_get(mapping, VW_TEXT("template")),
        .vars = vw_json_get(mapping, VW_TEXT("vars")),
    };
    if (!vw_json_integer(vw_json_get(mapping, VW_TEXT("instances")), 0, VW_MOST_INSTANCES, &wanted->instances)) {
        return must(role, VW_TEXT(".instances must be a whole number from 0 to 1000000"));
    }
    enum vw_type template = vw_json_type(wanted->template), vars = vw_json_type(wanted->vars);
    if (template != VW_TYPE_ABSENT && template != VW_TYPE_TEXT) {
        return must(role, VW_TEXT(".template must be a text"));
    }
    if (vars != VW_TYPE_ABSENT && vars != VW_TYPE_MAPPING) {
        return must(role, VW_TEXT(".vars must be a mapping"));
    }
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        vw_text key = vw_text_of(reserved[i]);
        if (vw_json_type(vw_json_get(wanted->vars, key)) != VW_TYPE_ABSENT) {
            return must(role, VW_JOIN(VW_TEXT(".vars."), key, VW_TEXT(" is reserved")));
        }
    }
    return NULL;
}

vw_error wanted_read(vw_json runtime, const struct wanted **roles, size_t *count) {
    const struct vw_member *members = vw_json_sorted(runtime, count);
    struct wanted *all = vw_take(*count, sizeof *all);
    *roles = all;
    for (size_t i = 0; i < *count; i++) {
        vw_error error = read_one(members[i].key, members[i].value, &all[i]);
        if (error != NULL) {
            return error;
        }
    }
    return NULL;
}
