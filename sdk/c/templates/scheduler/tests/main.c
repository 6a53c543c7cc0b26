/* Unit tests: the parts, and the whole plugin before a host that is a stub. */
#include <math.h>

#include "sdk/native/test.h"
#include "src/config.h"
#include "src/decide.h"
#include "src/plugin.h"
#include "src/wanted.h"

static vw_json json(const char *text) {
    vw_json value;
    CHECK_ERROR(vw_json_read(vw_text_of(text), &value), NULL);
    return value;
}

static void check_config(const char *text, double max_busy, const char *error) {
    struct config config;
    vw_error got = config_read(json(text), &config);
    CHECK_ERROR(got, error);
    CHECK(got != NULL || config.max_busy == max_busy);
}

static void configurations(void) {
    const char *range = "config: max_busy must be a number above 0 and at most 1";
    check_config("{}", 0.9, NULL);
    check_config("{\"max_busy\":1}", 1, NULL);
    check_config("{\"max_busy\":5e-324}", 5e-324, NULL);
    check_config("{\"max_busy\":0}", 0, range);
    check_config("{\"max_busy\":1.0000000000000002}", 0, range);
    check_config("{\"max_busy\":\"0.5\"}", 0, range);
    check_config("{\"zeta\":1,\"busy\":2}", 0, "config: unknown key busy, expected max_busy");
}

static void check_wanted(const char *text, size_t count, const char *error) {
    const struct wanted *roles;
    size_t got;
    vw_error said = wanted_read(json(text), &roles, &got);
    CHECK_ERROR(said, error);
    CHECK(said != NULL || got == count);
}

static void wanted_roles(void) {
    check_wanted("{}", 0, NULL);
    check_wanted("{\"b\":{\"instances\":0},\"a\":{\"instances\":1000000,\"template\":\"a/v1\",\"vars\":{}}}", 2, NULL);
    check_wanted("{\"b\":3,\"a\":{}}", 0, "runtime: a.instances must be a whole number from 0 to 1000000");
    check_wanted("{\"Web\":{}}", 0, "runtime: Web is no role name");
    check_wanted("{\"web\":{\"instances\":1,\"vars\":{\"template\":1,\"place\":1}}}", 0, "runtime: web.vars.place is reserved");
}

enum { PEERS = 4 };

static void check_decision(const double busy[PEERS], int64_t wanted, const uint32_t before[PEERS], const uint32_t after[PEERS],
                           int64_t missing) {
    uint32_t instances[PEERS];
    for (size_t i = 0; i < PEERS; i++) {
        instances[i] = before[i];
    }
    struct ranking ranking = decide_ranking(busy, PEERS, 0.9);
    CHECK_INTEGER(decide_instances(&ranking, wanted, instances), missing);
    for (size_t i = 0; i < PEERS; i++) {
        CHECK_INTEGER(instances[i], after[i]);
    }
}

static void decisions(void) {
    static const double busy[PEERS] = {0.5, 0.95, NAN, 0.1}, full[PEERS] = {1, 1, NAN, 1};
    static const uint32_t none[PEERS] = {0}, some[PEERS] = {1, 2, 2, 0};
    check_decision(busy, 0, none, none, 0);
    check_decision(busy, 1, none, (const uint32_t[PEERS]){0, 0, 0, 1}, 0);
    check_decision(busy, 5, none, (const uint32_t[PEERS]){2, 0, 0, 3}, 0);
    check_decision(busy, 5, some, some, 0);
    check_decision(busy, 4, some, (const uint32_t[PEERS]){1, 2, 1, 0}, 0);
    check_decision(busy, 2, some, (const uint32_t[PEERS]){1, 1, 0, 0}, 0);
    check_decision(busy, 7, some, (const uint32_t[PEERS]){1, 2, 2, 2}, 0);
    check_decision(full, 7, some, some, 2);
}

#define DOCUMENT(config, runtime) \
    VW_TEXT("{\"v\":1,\"now\":1700000000000,\"round\":1,\"term\":1,\"current_host\":\"a\",\"current_id\":\"0\",\"config\":" config \
            ",\"runtime\":" runtime "}")

static void whole_decision(void) {
    static const char *const hostnames[] = {"a", "b", "c"};
    static const double busy[] = {0.5, 0.1, 0.3}, placed[] = {1, 0, 0};
    const vw_text document = DOCUMENT("{}", "{\"web\":{\"instances\":2,\"template\":\"web/v1\",\"vars\":{\"port\":80}}}");
    stub_attribute("hostname", hostnames, 3);
    CHECK_ANSWER(vw_answer_schedule(&plugin, document), "error no column cpu: declare it under metrics in the manifest");
    stub_column("cpu", busy, 3);
    stub_column("placed.web", placed, 3);
    CHECK_ANSWER(vw_answer_schedule(&plugin, document),
                 "ok {\"v\":1,\"schedule\":{\"roles\":{\"web\":{\"port\":80,\"template\":\"web/v1\",\"place\":{\"a\":1,\"b\":1}}}},"
                 "\"why\":{\"web\":{\"a\":\"kept\",\"b\":\"new\"}}}");
    CHECK_TEXT(vw_text_of(stub_logged()), "info web: 2 placed\n");
}

int main(void) {
    TEST(configurations);
    TEST(wanted_roles);
    TEST(decisions);
    TEST(whole_decision);
    return test_end();
}
