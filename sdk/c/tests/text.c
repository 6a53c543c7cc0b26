#include <string.h>

#include "tests.h"

static void utf8(void) {
    static const char *const bad[] = {
        "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x82\xac\xff",
    };
    CHECK(vw_text_is_utf8(VW_TEXT("")));
    CHECK(vw_text_is_utf8(VW_TEXT("aé東🦀\xf4\x8f\xbf\xbf\xed\x9f\xbf")));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!vw_text_is_utf8(vw_text_of(bad[i])));
    }
}

static int by_first(const void *a, const void *b) {
    return *(const char *)a - *(const char *)b;
}

static void sorting(void) {
    char pairs[] = "c1a1b1a2c2b2a3", one[] = "b1", none[] = "";
    vw_sort(pairs, 7, 2, by_first);
    CHECK_TEXT(vw_text_of(pairs), "a1a2a3b1b2c1c2");
    vw_sort(one, 1, 2, by_first);
    CHECK_TEXT(vw_text_of(one), "b1");
    vw_sort(none, 0, 2, by_first);
}

void test_texts(void) {
    utf8();
    CHECK(vw_text_equal(VW_TEXT(""), (vw_text){NULL, 0}));
    CHECK(vw_text_compare(VW_TEXT("a-b"), VW_TEXT("a.b")) < 0);
    CHECK(vw_text_compare(VW_TEXT("n10"), VW_TEXT("n2")) < 0);
    CHECK(vw_text_compare(VW_TEXT("ab"), VW_TEXT("a")) > 0);
    CHECK(vw_text_compare(VW_TEXT("z"), VW_TEXT("é")) < 0);
    CHECK_INTEGER((int64_t)vw_text_chars(VW_TEXT("aé東🦀")), 4);
    CHECK_INTEGER((int64_t)vw_text_chars(VW_TEXT("a\xff\xff")), 3);
    CHECK_TEXT(vw_text_first_chars(VW_TEXT("aé東🦀"), 3), "aé東");
    CHECK_TEXT(vw_text_first_chars(VW_TEXT("aé"), 9), "aé");
    CHECK(vw_text_is_blank(VW_TEXT(" \t\xc2\xa0\xe2\x80\x83\xe3\x80\x80")));
    CHECK(!vw_text_is_blank(VW_TEXT("  x")));
    CHECK_TEXT(vw_text_of_integer(INT64_MIN), "-9223372036854775808");
    CHECK_TEXT(vw_text_of_integer(0), "0");
    CHECK_TEXT(VW_JOIN(VW_TEXT("a"), (vw_text){NULL, 0}, VW_TEXT("b")), "ab");
    CHECK_TEXT(vw_text_after(VW_TEXT("abc"), 9), "");

    /* Blocks grow in place or move; what is released does not hurt what is kept. */
    char *kept = vw_take(3, 1);
    memcpy(kept, "abc", 3);
    void *mark = vw_mark();
    vw_take(100000, 8);
    vw_release(mark);
    kept = vw_extend(kept, 3, 200000);
    CHECK(memcmp(kept, "abc", 3) == 0);

    sorting();
}
