#include "tests.h"

static vw_error review(struct vw_review *review, struct vw_verdict *verdict) {
    int64_t reasons = 0;
    vw_json_integer(vw_json_get(review->config, VW_TEXT("reasons")), 0, 1000, &reasons);
    while (reasons-- > 0) {
        vw_deny(verdict, vw_json_text_or(vw_json_get(review->config, VW_TEXT("reason")), VW_TEXT("")));
    }
    struct vw_counts counts = vw_counts_of(review->schedule);
    CHECK_INTEGER(vw_instances_of(&counts, VW_TEXT("web")), 5);
    CHECK_INTEGER(vw_instances_of(&counts, VW_TEXT("api")), 1);
    CHECK_INTEGER(vw_instances_of(&counts, VW_TEXT("db")), 0);
    CHECK(vw_json_type(review->previous) == VW_TYPE_ABSENT);
    return NULL;
}

static vw_text answer(const char *config) {
    static const struct vw_policy plugin = {.about = {.name = "p", .version = "1"}, .review = review};
    return vw_answer_review(&plugin, VW_JOIN(VW_TEXT("{\"v\":1,\"config\":"), vw_text_of(config),
                                             VW_TEXT(",\"previous\":null,\"schedule\":{\"nodes\":{\"a\":{\"roles\":{\"web\":{\"instances\":2},\"api\":{}}},"
                                                     "\"b\":{\"vars\":{}},\"c\":{\"roles\":{\"web\":{\"instances\":3}}}}}}")));
}

void test_verdict(void) {
    CHECK_ANSWER(answer("{}"), "ok {\"v\":1,\"verdict\":\"allow\"}");
    CHECK_ANSWER(answer("{\"reasons\":1,\"reason\":\"so\"}"), "ok {\"v\":1,\"verdict\":\"deny\",\"reasons\":[\"so\"]}");
    CHECK_ANSWER(answer("{\"reasons\":1,\"reason\":\"\\u00a0\"}"), "ok {\"v\":1,\"verdict\":\"deny\",\"reasons\":[\"(nothing was said)\"]}");

    vw_json verdict;
    CHECK_ERROR(vw_json_read(vw_text_after(answer("{\"reasons\":101,\"reason\":\"so\"}"), 1), &verdict), NULL);
    CHECK_INTEGER((int64_t)vw_json_count(vw_json_get(verdict, VW_TEXT("reasons"))), VW_MOST_REMARKS);

    struct vw_buffer config = {0};
    vw_put(&config, VW_TEXT("{\"reasons\":1,\"reason\":\""));
    for (int i = 0; i < VW_MOST_REMARK_CHARS + 1; i++) {
        vw_put(&config, VW_TEXT("é"));
    }
    vw_put(&config, VW_TEXT("\"}"));
    vw_put_byte(&config, '\0');
    CHECK_ERROR(vw_json_read(vw_text_after(answer(config.bytes), 1), &verdict), NULL);
    struct vw_items reasons = vw_json_items(vw_json_get(verdict, VW_TEXT("reasons")));
    CHECK(vw_json_next_item(&reasons));
    CHECK_INTEGER((int64_t)vw_text_chars(vw_json_text_or(reasons.value, VW_TEXT(""))), VW_MOST_REMARK_CHARS);
}
