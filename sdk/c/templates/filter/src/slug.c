#include "filters.h"

/* ASCII letters in lower case and digits; each run of anything else becomes one `-`, none at the beginning or the end. */
vw_error slug(const struct vw_args *args, vw_json *result) {
    vw_text text;
    vw_error error = vw_arg_text(args, 0, &text);
    if (error != NULL) {
        return error;
    }
    struct vw_buffer out = {0};
    bool gap = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            gap = true;
            continue;
        }
        if (gap && out.len != 0) {
            vw_put_byte(&out, '-');
        }
        gap = false;
        vw_put_byte(&out, c);
    }
    *result = vw_json_of_text((vw_text){out.bytes, out.len});
    return NULL;
}
