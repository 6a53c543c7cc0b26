#include "config.h"

static vw_error read_most(vw_json most, struct config *config) {
    const vw_error error = VW_FAIL(VW_TEXT("config: most must be a mapping of roles to whole numbers"));
    enum vw_type type = vw_json_type(most);
    if (type != VW_TYPE_MAPPING) {
        return type == VW_TYPE_ABSENT ? NULL : error;
    }
    const struct vw_member *members = vw_json_sorted(most, &config->most_count);
    struct budget *budgets = vw_take(config->most_count, sizeof *budgets);
    config->most = budgets;
    for (size_t i = 0; i < config->most_count; i++) {
        budgets[i].role = members[i].key;
        if (!vw_json_integer(members[i].value, 0, INT64_MAX, &budgets[i].most)) {
            return error;
        }
    }
    return NULL;
}

static vw_error read_protected(vw_json protected, struct config *config) {
    const vw_error error = VW_FAIL(VW_TEXT("config: protected must be a list of texts"));
    enum vw_type type = vw_json_type(protected);
    if (type != VW_TYPE_LIST) {
        return type == VW_TYPE_ABSENT ? NULL : error;
    }
    for (struct vw_items walk = vw_json_items(protected); vw_json_next_item(&walk);) {
        if (vw_json_type(walk.value) != VW_TYPE_TEXT) {
            return error;
        }
    }
    config->protected = protected;
    return NULL;
}

vw_error config_read(vw_json mapping, struct config *config) {
    *config = (struct config){0};
    size_t count;
    const struct vw_member *members = vw_json_sorted(mapping, &count);
    for (size_t i = 0; i < count; i++) {
        if (!vw_text_equal(members[i].key, VW_TEXT("most")) && !vw_text_equal(members[i].key, VW_TEXT("protected"))) {
            return VW_FAIL(VW_TEXT("config: unknown key "), members[i].key, VW_TEXT(", expected most or protected"));
        }
    }
    vw_error error = read_most(vw_json_get(mapping, VW_TEXT("most")), config);
    return error != NULL ? error : read_protected(vw_json_get(mapping, VW_TEXT("protected")), config);
}
