/* Unit tests: each filter, called as a template calls it. */
#include "sdk/native/test.h"
#include "src/plugin.h"

static void check(const char *name, const char *args, const char *answer) {
    vw_text call = VW_JOIN(VW_TEXT("{\"name\":\""), vw_text_of(name), VW_TEXT("\",\"args\":"), vw_text_of(args), VW_TEXT("}"));
    CHECK_ANSWER(vw_answer_apply(&plugin, call), answer);
}

static void slugs(void) {
    check("slug", "[\"Rack 7, Row B\"]", "ok \"rack-7-row-b\"");
    check("slug", "[\"–\"]", "ok \"\"");
    check("slug", "[7]", "error slug: argument 1 (`text`): expected a text, got the number 7");
}

static void cuts(void) {
    check("truncate", "[\"a long text\",6]", "ok \"a lon…\"");
    check("truncate", "[\"🦀🦀🦀é東\",\"4\"]", "ok \"🦀🦀🦀…\"");
    check("truncate", "[\"abc\",{\"length\":3}]", "ok \"abc\"");
    check("truncate", "[\"abc\",1,\"....\"]", "ok \".\"");
    check("truncate", "[\"abc\",-1]", "error truncate: argument 2 (`length`): expected a whole number of at least 0, got the number -1");
    CHECK_TEXT(vw_text_of(stub_logged()),
               "debug truncate: 5 of 11 characters cut\ndebug truncate: 1 of 5 characters cut\ndebug truncate: 2 of 3 characters cut\n");
}

static void parts(void) {
    check("pick", "[{\"a\":[1,{\"b\":null}]},\"a.1.b\"]", "ok null");
    check("pick", "[{\"a\":1},\"\"]", "ok {\"a\":1}");
    check("pick", "[{\"\":{\"\":1}},\".\"]", "ok 1");
    check("pick", "[[1],\"99999999999999999999\",\"none\"]", "ok \"none\"");
    check("pick", "[[1],\"-1\"]", "error pick: nothing at `-1`");
}

static void names(void) {
    CHECK_ANSWER(vw_answer_filters(&plugin), "ok [\"slug\",\"truncate\",\"pick\"]");
    check("slag", "[]", "error there is no filter `slag`");
}

int main(void) {
    TEST(slugs);
    TEST(cuts);
    TEST(parts);
    TEST(names);
    return test_end();
}
