#include "filters.h"

/* In characters, which are Unicode code points: a cut in the middle of one would be no text any more. */
vw_error truncate_text(const struct vw_args *args, vw_json *result) {
    vw_text text, end;
    int64_t length;
    vw_error error = vw_arg_text(args, 0, &text);
    if (error == NULL) {
        error = vw_arg_integer(args, 1, &length);
    }
    if (error == NULL && length < 0) {
        error = vw_arg_wrong(args, 1, VW_TEXT("a whole number of at least 0"));
    }
    if (error == NULL) {
        error = vw_arg_text_or(args, 2, VW_TEXT("…"), &end);
    }
    if (error != NULL) {
        return error;
    }
    int64_t chars = (int64_t)vw_text_chars(text);
    if (chars <= length) {
        *result = vw_json_of_text(text);
        return NULL;
    }
    vw_log(VW_DEBUG, VW_JOIN(VW_TEXT("truncate: "), vw_text_of_integer(chars - length), VW_TEXT(" of "), vw_text_of_integer(chars),
                             VW_TEXT(" characters cut")));
    end = vw_text_first_chars(end, (size_t)length);
    *result = vw_json_of_text(VW_JOIN(vw_text_first_chars(text, (size_t)length - vw_text_chars(end)), end));
    return NULL;
}
