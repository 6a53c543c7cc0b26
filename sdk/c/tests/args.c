/* The errors are those of the Rust SDK. */
#include "tests.h"

static vw_error join(const struct vw_args *args, vw_json *result) {
    vw_json list;
    vw_text separator;
    int64_t most = 9;
    vw_error error = vw_arg_list(args, 0, &list);
    if (error == NULL) {
        error = vw_arg_text_or(args, 1, VW_TEXT(", "), &separator);
    }
    if (error == NULL && vw_json_type(args->values[2]) != VW_TYPE_ABSENT) {
        error = vw_arg_integer(args, 2, &most);
    }
    if (error == NULL) {
        *result = vw_json_of_text(VW_JOIN(vw_text_of_integer((int64_t)vw_json_count(list)), separator, vw_text_of_integer(most)));
    }
    return error;
}

static void check(const char *args, const char *expected) {
    static const struct vw_filter filters[] = {{"join", {"list", "separator", "most"}, join}};
    static const struct vw_filters plugin = {.about = {.name = "f", .version = "1"}, .filters = filters, .count = 1};
    CHECK_ANSWER(vw_answer_apply(&plugin, VW_JOIN(VW_TEXT("{\"name\":\"join\",\"args\":"), vw_text_of(args), VW_TEXT("}"))), expected);
}

void test_args(void) {
    check("[[1,2]]", "ok \"2, 9\"");
    check("[[1,2],\"-\"]", "ok \"2-9\"");
    check("[[],{\"separator\":\"-\"}]", "ok \"0-9\"");
    check("[[],{}]", "ok \"0, 9\"");
    check("[[],\"\",\"+12\"]", "ok \"012\"");
    check("[[],\"\",\"99999999999999999999\"]", "ok \"09223372036854775807\"");
    check("[[],\"\",\"-99999999999999999999\"]", "ok \"0-9223372036854775808\"");
    check("{}", "error join: the arguments are no JSON array");
    check("[]", "error join: argument 1 (`list`) is missing: expected a list");
    check("[{\"a\":1}]", "error join: argument 1 (`list`): expected a list, got a mapping of 1");
    check("[\"x\\n\\\"\\u0000\\u001b\\\\\"]", "error join: argument 1 (`list`): expected a list, got the text \"x\\n\\\"\\0\\u{1b}\\\\\"");
    check("[[],1.5]", "error join: argument 2 (`separator`): expected a text, got the number 1.5");
    check("[[],\"\",\"1.5\"]", "error join: argument 3 (`most`): expected a whole number, got the text \"1.5\"");
    check("[[],\"\",1.5]", "error join: argument 3 (`most`): expected a whole number, got the number 1.5");
    check("[[],\"\",\"-\"]", "error join: argument 3 (`most`): expected a whole number, got the text \"-\"");
    check("[[],{\"sep\":\"-\"}]", "error join: there is no argument `sep`; it takes list, separator, most");
    check("[[],\"-\",{\"separator\":\"-\"}]", "error join: argument 2 (`separator`) is given twice, by position and by name");
    check("[[],\"-\",3,4]", "error join: takes at most 3 arguments (list, separator, most), got 4");
    check("[false]", "error join: argument 1 (`list`): expected a list, got false");
}
