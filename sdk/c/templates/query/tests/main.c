/* Unit tests: questions and their answers. */
#include "sdk/native/test.h"
#include "src/plugin.h"

static void check(const char *path, const char *schedule, const char *answer) {
    vw_text document = VW_JOIN(VW_TEXT("{\"v\":1,\"now\":1,\"path\":\""), vw_text_of(path), VW_TEXT("\",\"schedule\":"), vw_text_of(schedule), VW_TEXT("}"));
    CHECK_ANSWER(vw_answer_query(&plugin, document), answer);
}

static void questions(void) {
    const char *schedule = "{\"nodes\":{\"a\":{\"roles\":{\"web\":{\"instances\":2}}},\"b\":{}},\"roles\":{\"web\":{},\"idle\":{}}}";
    check("roles/web", schedule, "ok {\"role\":\"web\",\"nodes\":{\"a\":2}}");
    check("roles/idle", schedule, "ok {\"role\":\"idle\",\"nodes\":{}}");
    check("roles/api", schedule, "error no role api in the schedule");
    check("roles/web", "null", "error no schedule is in force");
    check("roles/", schedule, "error no such path: roles/; ask roles/ROLE");
    check("roles/web/x", "null", "error no such path: roles/web/x; ask roles/ROLE");
}

static void rendering(void) {
    CHECK_ANSWER(vw_answer_render_roles(&plugin, VW_TEXT("{\"v\":1,\"hostname\":\"a\"}")), "ok null");
}

int main(void) {
    TEST(questions);
    TEST(rendering);
    return test_end();
}
