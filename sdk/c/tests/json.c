#include "tests.h"

/* What is read, written again: members and items one by one. */
static void put_again(struct vw_buffer *out, vw_json value) {
    vw_text text;
    switch (vw_json_type(value)) {
    case VW_TYPE_LIST:
        vw_put_byte(out, '[');
        for (struct vw_items walk = vw_json_items(value); vw_json_next_item(&walk);) {
            vw_put_comma(out);
            put_again(out, walk.value);
        }
        vw_put_byte(out, ']');
        return;
    case VW_TYPE_MAPPING:
        vw_put_byte(out, '{');
        for (struct vw_members walk = vw_json_members(value); vw_json_next_member(&walk);) {
            vw_put_key(out, walk.key);
            put_again(out, walk.value);
        }
        vw_put_byte(out, '}');
        return;
    case VW_TYPE_TEXT:
        CHECK(vw_json_text(value, &text));
        vw_put_text(out, text);
        return;
    default:
        vw_put_json(out, value);
    }
}

static void check_again(const char *text, const char *expected) {
    struct vw_buffer out = {0};
    put_again(&out, json(text));
    CHECK_TEXT(((vw_text){out.bytes, out.len}), expected);
}

static void check_refused(vw_text text, const char *error) {
    vw_json value;
    CHECK_ERROR(vw_json_read(text, &value), error);
    CHECK(vw_json_type(value) == VW_TYPE_ABSENT);
}

static void refused(void) {
    static const char *const bad[] = {
        "", " ", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "[1 2]", "01", "1.", ".5", "-", "1e", "+1", "tru",
        "truex", "nul", "\"a", "\"\\x\"", "\"\\u12\"", "\"\n\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "[1]]", "{}{}", "[\"a]", "{\"a\":1,}", "1 2", "\"\\", "\"\\u", "\"\\ud800\\", "NaN", "'a'",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_refused(vw_text_of(bad[i]), "it is no JSON");
    }
    check_refused(VW_TEXT("\"\xff\""), "it is no UTF-8");
    check_refused(VW_TEXT("\"a\0b\""), "it is no JSON");
}

static void deep(int depth, const char *error) {
    struct vw_buffer out = {0};
    vw_json value;
    for (int i = 0; i < depth; i++) {
        vw_put_byte(&out, '[');
    }
    for (int i = 0; i < depth; i++) {
        vw_put_byte(&out, ']');
    }
    CHECK_ERROR(vw_buffer_json(&out, &value), error);
}

static void check_integer(const char *text, int64_t expected) {
    int64_t number = 0;
    CHECK(vw_json_integer(json(text), INT64_MIN, INT64_MAX, &number));
    CHECK_INTEGER(number, expected);
}

static void integers(void) {
    static const char *const none[] = {
        "1.5", "1e-3", "10e-2", "9223372036854775808", "1e19", "1e99999999999", "-9223372036854775809", "99999999999999999999", "\"1\"", "null", "[1]",
    };
    int64_t number;
    check_integer("0", 0);
    check_integer("-0", 0);
    check_integer("1.0", 1);
    check_integer("-1.20e1", -12);
    check_integer("1E+3", 1000);
    check_integer("2500e-2", 25);
    check_integer("0.0e5", 0);
    check_integer("9.223372036854775807e18", INT64_MAX);
    check_integer("9223372036854775807", INT64_MAX);
    check_integer("-9223372036854775808", INT64_MIN);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        CHECK(!vw_json_integer(json(none[i]), INT64_MIN, INT64_MAX, &number));
    }
    CHECK(!vw_json_integer(json("4"), 1, 3, &number));
    CHECK(!vw_json_integer(json("0"), 1, 3, &number));
    CHECK(!vw_json_integer(VW_ABSENT, 0, 1, &number));
    CHECK(vw_json_whole(json("1e30"), &number));
    CHECK_INTEGER(number, INT64_MAX);
    CHECK(vw_json_whole(json("-1e30"), &number));
    CHECK_INTEGER(number, INT64_MIN);
    CHECK(!vw_json_whole(json("0.5"), &number));
}

void test_json(void) {
    check_again(" { } ", "{}");
    check_again("[\n]", "[]");
    check_again(" { \"a\" : [ 1 , -2.5e3 , true , false , null , \"x\" ] , \"b\" : { \"c\" : \"}]\" } } ",
                "{\"a\":[1,-2.5e3,true,false,null,\"x\"],\"b\":{\"c\":\"}]\"}}");
    check_again("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u00e9\\u6771\\ud83e\\udd80é\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001é東🦀é\"");
    refused();
    deep(VW_JSON_DEPTH, NULL);
    deep(VW_JSON_DEPTH + 1, "it is no JSON");
    integers();

    vw_json mapping = json("{\"b\":1,\"\\u0061\":{\"x\":2},\"\":3}");
    CHECK_TEXT(vw_json_raw(vw_json_get(vw_json_get(mapping, VW_TEXT("a")), VW_TEXT("x"))), "2");
    CHECK_TEXT(vw_json_raw(vw_json_get(mapping, VW_TEXT(""))), "3");
    CHECK(vw_json_type(vw_json_get(mapping, VW_TEXT("c"))) == VW_TYPE_ABSENT);
    CHECK(vw_json_type(vw_json_get(json("[1]"), VW_TEXT("a"))) == VW_TYPE_ABSENT);
    CHECK_INTEGER((int64_t)vw_json_count(mapping), 3);
    CHECK_INTEGER((int64_t)vw_json_count(json("\"ab\"")), 0);

    size_t count;
    const struct vw_member *sorted = vw_json_sorted(mapping, &count);
    CHECK_INTEGER((int64_t)count, 3);
    CHECK_TEXT(VW_JOIN(sorted[0].key, VW_TEXT("<"), sorted[1].key, VW_TEXT("<"), sorted[2].key), "<a<b");

    CHECK_TEXT(vw_json_raw(vw_json_of_text(VW_TEXT("a\xff\"\0"))), "\"a\xef\xbf\xbd\\\"\\u0000\"");
    CHECK_TEXT(vw_json_raw(vw_json_of_integer((int64_t)1 << 53)), "9007199254740992");
    CHECK(vw_json_type(vw_json_of_integer(((int64_t)1 << 53) + 1)) == VW_TYPE_ABSENT);
}
