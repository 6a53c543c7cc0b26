#include <string.h>

#include "filters.h"

/* The item at a position in ASCII digits; absent where the step is none, or beyond the list. */
static vw_json item(vw_json list, vw_text step) {
    size_t count = vw_json_count(list), position = 0;
    for (size_t i = 0; i < step.len; i++) {
        if (step.bytes[i] < '0' || step.bytes[i] > '9') {
            return VW_ABSENT;
        }
        /* Beyond the list is beyond it, however far: no overflow. */
        position = position >= count ? count : position * 10 + (size_t)(step.bytes[i] - '0');
    }
    struct vw_items walk = vw_json_items(list);
    for (size_t i = 0; step.len != 0 && vw_json_next_item(&walk); i++) {
        if (i == position) {
            return walk.value;
        }
    }
    return VW_ABSENT;
}

static vw_json part(vw_json value, vw_text path) {
    while (path.bytes != NULL && vw_json_type(value) != VW_TYPE_ABSENT) {
        const char *dot = memchr(path.bytes, '.', path.len);
        vw_text step = {path.bytes, dot == NULL ? path.len : (size_t)(dot - path.bytes)};
        value = vw_json_type(value) == VW_TYPE_LIST ? item(value, step) : vw_json_get(value, step);
        path = dot == NULL ? (vw_text){NULL, 0} : (vw_text){dot + 1, path.len - step.len - 1};
    }
    return value;
}

vw_error pick(const struct vw_args *args, vw_json *result) {
    vw_json value;
    vw_text path;
    vw_error error = vw_arg_any(args, 0, &value);
    if (error == NULL) {
        error = vw_arg_text(args, 1, &path);
    }
    if (error != NULL) {
        return error;
    }
    *result = path.len == 0 ? value : part(value, path);
    if (vw_json_type(*result) == VW_TYPE_ABSENT) {
        *result = args->values[2];
    }
    if (vw_json_type(*result) == VW_TYPE_ABSENT) {
        return VW_FAIL(VW_TEXT("nothing at `"), path, VW_TEXT("`"));
    }
    return NULL;
}
