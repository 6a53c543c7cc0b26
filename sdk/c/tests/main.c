#include "tests.h"

vw_json json(const char *text) {
    vw_json value;
    CHECK_ERROR(vw_json_read(vw_text_of(text), &value), NULL);
    return value;
}

int main(void) {
    TEST(test_texts);
    TEST(test_json);
    TEST(test_numbers);
    TEST(test_snapshot);
    TEST(test_schedule);
    TEST(test_verdict);
    TEST(test_args);
    TEST(test_documents);
    return test_end();
}
