#include "config.h"

vw_error config_read(vw_json mapping, struct config *config) {
    *config = (struct config){.max_busy = 0.9};
    size_t count;
    const struct vw_member *members = vw_json_sorted(mapping, &count);
    for (size_t i = 0; i < count; i++) {
        if (!vw_text_equal(members[i].key, VW_TEXT("max_busy"))) {
            return VW_FAIL(VW_TEXT("config: unknown key "), members[i].key, VW_TEXT(", expected max_busy"));
        }
    }
    if (count != 0) {
        bool is_number = vw_json_number(members[0].value, &config->max_busy);
        if (!is_number || config->max_busy <= 0 || config->max_busy > 1) {
            return VW_FAIL(VW_TEXT("config: max_busy must be a number above 0 and at most 1"));
        }
    }
    return NULL;
}
