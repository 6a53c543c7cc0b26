/* What the host hears and says beside decisions, and documents that are none: errors, never traps. */
#include "tests.h"

static vw_error schedule(struct vw_input *input, struct vw_schedule *schedule) {
    (void)schedule;
    CHECK_INTEGER(input->now_ms, 5);
    CHECK_TEXT(input->current_host, "a");
    return NULL;
}

static vw_error check_config(vw_json config) {
    return vw_json_type(config) == VW_TYPE_MAPPING ? NULL : VW_FAIL(VW_TEXT("config: must be a mapping"));
}

static const struct vw_scheduler plugin = {
    .about = {.name = "s\"", .version = "1", .input = VW_DOCUMENT, .reads = VW_READS_PEERS | VW_READS_METRICS, .check_config = check_config},
    .schedule = schedule,
};

static void refused_documents(void) {
    const vw_text sound = VW_TEXT("{\"v\":1,\"now\":5,\"current_host\":\"a\",\"peers\":{}}");
    CHECK_ANSWER(vw_answer_schedule(&plugin, sound), "ok {\"v\":1,\"schedule\":{\"roles\":{}}}");
    /* However it is cut short. */
    for (size_t len = 0; len < sound.len; len++) {
        CHECK_ANSWER(vw_answer_schedule(&plugin, (vw_text){sound.bytes, len}), "error the input document: it is no JSON");
    }
    CHECK_ANSWER(vw_answer_schedule(&plugin, VW_TEXT("[]")), "error the input document is not of version 1, the only one that this plugin knows");
    CHECK_ANSWER(vw_answer_schedule(&plugin, VW_TEXT("{\"v\":2}")), "error the input document is not of version 1, the only one that this plugin knows");
}

void test_documents(void) {
    refused_documents();
    CHECK_ANSWER(vw_answer_describe(&plugin.about, "scheduler", true),
                 "ok {\"name\":\"s\\\"\",\"version\":\"1\",\"kind\":\"scheduler\",\"input\":\"document\",\"reads\":[\"peers\",\"metrics\"]}");
    CHECK_ANSWER(vw_answer_describe(&plugin.about, "filter", false), "ok {\"name\":\"s\\\"\",\"version\":\"1\",\"kind\":\"filter\"}");
    CHECK_ANSWER(vw_answer_check_config(&plugin.about, VW_TEXT("{}")), "ok ");
    CHECK_ANSWER(vw_answer_check_config(&plugin.about, VW_TEXT("3")), "error config: must be a mapping");
    CHECK_ANSWER(vw_answer_check_config(&plugin.about, VW_TEXT("{")), "error the configuration: it is no JSON");
    vw_log(VW_WARN, VW_TEXT("a\nb"));
    CHECK_TEXT(vw_text_of(stub_logged()), "warn a\nb\n");
}
