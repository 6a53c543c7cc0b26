#include "tests.h"

static const vw_text names[] = {{"a", 1}, {"b", 1}, {"c", 1}};

static void check(struct vw_schedule *schedule, const char *expected) {
    struct vw_buffer out = {0};
    vw_schedule_write(schedule, &out);
    CHECK_TEXT(((vw_text){out.bytes, out.len}), expected);
    vw_json value;
    CHECK_ERROR(vw_buffer_json(&out, &value), NULL);
}

void test_schedule(void) {
    struct vw_schedule *schedule = vw_schedule_new((struct vw_texts){names, 3});
    struct vw_role *web, *api, *again;
    check(schedule, "{\"v\":1,\"schedule\":{\"roles\":{}}}");

    CHECK_ERROR(vw_schedule_role(schedule, VW_TEXT("Web"), &web), "Web is no role name: write [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes");
    CHECK_ERROR(vw_schedule_role(schedule, VW_TEXT("web"), &web), NULL);
    CHECK_ERROR(vw_schedule_role(schedule, VW_TEXT("api"), &api), NULL);
    CHECK_ERROR(vw_schedule_role(schedule, VW_TEXT("web"), &again), NULL);
    CHECK(web == again);

    CHECK_ERROR(vw_role_why(web, VW_TEXT("x")), "web: nothing is placed yet: call vw_role_place first");
    CHECK_ERROR(vw_role_place(web, 3, 1), "web: there is no peer 3, the input has 3");
    CHECK_ERROR(vw_role_place(web, 0, 0), "web: 0 instances on one node, 1 to 1000000 may be");
    CHECK_ERROR(vw_role_place(web, 0, 1000001), "web: 1000001 instances on one node, 1 to 1000000 may be");
    CHECK_ERROR(vw_role_set(web, VW_TEXT("place"), json("{}")), "the variable `place` is the contract's own: use the function that sets it");
    CHECK_ERROR(vw_role_set(web, VW_TEXT("x"), VW_ABSENT), "the value of `x` is no JSON: numbers are finite and whole ones within 2^53");

    CHECK_ERROR(vw_role_place(web, 2, 1), NULL);
    CHECK_ERROR(vw_role_place_set(web, VW_TEXT("instances"), json("1")), "the variable `instances` is the contract's own: use the function that sets it");
    CHECK_ERROR(vw_role_place_set(web, VW_TEXT("port"), json("80")), NULL);
    CHECK_ERROR(vw_role_why(web, VW_TEXT("so \"it\" is")), NULL);
    CHECK_ERROR(vw_role_place(web, 0, 5), NULL);
    CHECK_ERROR(vw_role_place(web, 0, 1000000), NULL);
    CHECK_ERROR(vw_role_set(web, VW_TEXT("z"), json("1")), NULL);
    CHECK_ERROR(vw_role_set(web, VW_TEXT("template"), vw_json_of_text(VW_TEXT("web/v1"))), NULL);
    CHECK_ERROR(vw_role_set(web, VW_TEXT("z"), json("2")), NULL);
    CHECK_ERROR(vw_schedule_set(schedule, VW_TEXT("all"), vw_json_of_boolean(true)), NULL);
    CHECK_ERROR(vw_schedule_set_on(schedule, 1, VW_TEXT("here"), json("null")), NULL);
    CHECK_ERROR(vw_schedule_set_on(schedule, 9, VW_TEXT("here"), json("null")), "variables: there is no peer 9, the input has 3");
    CHECK_ERROR(vw_schedule_state(schedule, json("[1]")), NULL);
    CHECK_ERROR(vw_schedule_action(schedule, VW_TEXT("7"), json("\"done\"")), NULL);
    vw_schedule_change(schedule, VW_TEXT("one"));
    vw_schedule_change(schedule, VW_TEXT("two"));
    vw_schedule_log(schedule, VW_TEXT("first"));
    vw_schedule_log(schedule, VW_TEXT("second"));
    check(schedule, "{\"v\":1,\"schedule\":{\"roles\":{\"api\":{\"place\":{}},"
                    "\"web\":{\"template\":\"web/v1\",\"z\":2,\"place\":{\"a\":1000000,\"c\":{\"instances\":1,\"port\":80}}}},"
                    "\"vars\":{\"all\":true},\"nodes\":{\"b\":{\"vars\":{\"here\":null}}},\"state\":[1]},"
                    "\"actions\":{\"7\":\"done\"},\"why\":{\"web\":{\"c\":\"so \\\"it\\\" is\"}},"
                    "\"changes\":[\"one\",\"two\"],\"log\":\"first\\nsecond\"}");
}
