#include "test.h"

#include <stdio.h>

static int tests, failures;
static const char *running = "";

void test_run(const char *name, void (*test)(void)) {
    running = name;
    tests++;
    stub_begin();
    test();
    stub_begin();
}

int test_end(void) {
    printf("%d tests, %d checks failed\n", tests, failures);
    return failures != 0;
}

static void failed(const char *file, int line) {
    failures++;
    fprintf(stderr, "%s:%d: in %s: ", file, line, running);
}

void test_check(const char *file, int line, const char *what, bool holds) {
    if (!holds) {
        failed(file, line);
        fprintf(stderr, "%s does not hold\n", what);
    }
}

void test_check_text(const char *file, int line, vw_text got, vw_text expected) {
    if (!vw_text_equal(got, expected)) {
        failed(file, line);
        fprintf(stderr, "\n  expected %.*s\n  got      %.*s\n", (int)expected.len, expected.bytes, (int)got.len, got.bytes);
    }
}

void test_check_integer(const char *file, int line, int64_t got, int64_t expected) {
    if (got != expected) {
        failed(file, line);
        fprintf(stderr, "expected %lld, got %lld\n", (long long)expected, (long long)got);
    }
}

void test_check_error(const char *file, int line, vw_error got, const char *expected) {
    const vw_text none = VW_TEXT("(no error)");
    test_check_text(file, line, got == NULL ? none : *got, expected == NULL ? none : vw_text_of(expected));
}

void test_check_answer(const char *file, int line, vw_text got, vw_text expected) {
    vw_text kind = got.len == 0 ? VW_TEXT("no answer") : got.bytes[0] == 0 ? VW_TEXT("ok ") : VW_TEXT("error ");
    test_check_text(file, line, VW_JOIN(kind, vw_text_after(got, 1)), expected);
}
