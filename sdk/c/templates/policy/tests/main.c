/* Unit tests: the configuration, and the whole plugin before a host that is a stub. */
#include "sdk/native/test.h"
#include "src/config.h"
#include "src/plugin.h"

static void check_config(const char *text, const char *error) {
    struct config config;
    vw_json value;
    CHECK_ERROR(vw_json_read(vw_text_of(text), &value), NULL);
    CHECK_ERROR(config_read(value, &config), error);
}

static void configurations(void) {
    check_config("{}", NULL);
    check_config("{\"most\":{\"web\":0},\"protected\":[\"db\"]}", NULL);
    check_config("{\"mos\":1,\"extra\":2}", "config: unknown key extra, expected most or protected");
    check_config("{\"most\":{\"web\":-1},\"protected\":1}", "config: most must be a mapping of roles to whole numbers");
    check_config("{\"most\":{\"web\":1.5}}", "config: most must be a mapping of roles to whole numbers");
    check_config("{\"protected\":[\"db\",1]}", "config: protected must be a list of texts");
}

#define SCHEDULE(instances) "{\"nodes\":{\"a\":{\"roles\":{\"web\":{\"instances\":" instances "}}}},\"roles\":{\"web\":{}}}"

static void check_review(const char *config, const char *schedule, const char *previous, const char *moved, const char *answer) {
    vw_text document = VW_JOIN(VW_TEXT("{\"v\":1,\"now\":1,\"round\":1,\"term\":1,\"config\":"), vw_text_of(config), VW_TEXT(",\"schedule\":"),
                               vw_text_of(schedule), VW_TEXT(",\"previous\":"), vw_text_of(previous), VW_TEXT(",\"diff\":{\"moved\":"),
                               vw_text_of(moved), VW_TEXT("}}"));
    CHECK_ANSWER(vw_answer_review(&plugin, document), answer);
}

static void verdicts(void) {
    const char *most = "{\"most\":{\"web\":2}}", *protected = "{\"protected\":[\"web\",\"db\"]}", *none = "{\"nodes\":{},\"roles\":{}}";
    check_review(most, SCHEDULE("2"), "null", "{}", "ok {\"v\":1,\"verdict\":\"allow\"}");
    check_review(most, SCHEDULE("3"), SCHEDULE("1"), "{\"web\":1,\"api\":2}",
                 "ok {\"v\":1,\"verdict\":\"deny\",\"reasons\":[\"web: 3 instances, at most 2 may be\"],"
                 "\"warnings\":[\"api: 2 moved\",\"web: 1 moved\"]}");
    check_review(protected, none, SCHEDULE("1"), "{}",
                 "ok {\"v\":1,\"verdict\":\"deny\",\"reasons\":[\"web: protected, and would be gone\"]}");
    check_review("{\"x\":1}", none, "null", "{}", "error config: unknown key x, expected most or protected");
    CHECK_TEXT(vw_text_of(stub_logged()), "info allow\ninfo deny\ninfo deny\n");
}

int main(void) {
    TEST(configurations);
    TEST(verdicts);
    return test_end();
}
