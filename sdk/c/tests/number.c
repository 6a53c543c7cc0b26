/* Numbers against the C library's, which is exact natively. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/number.h"
#include "tests.h"

static uint64_t bits_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static void check(const char *text) {
    CHECK_INTEGER((int64_t)bits_of(vw_number_read(vw_text_of(text))), (int64_t)bits_of(strtod(text, NULL)));
}

static void check_both_ways(double number) {
    char text[1200];
    snprintf(text, sizeof text, "%.17g", number);
    check(text);
    /* The middle to the next double, to its last digit: long double has it exactly. */
    if (fabs(number) > 1e-290 && fabs(number) < 1e300) {
        snprintf(text, sizeof text, "%.1100Lf", ((long double)number + (long double)nextafter(number, INFINITY)) / 2);
        if (strlen(text) < sizeof text - 1) {
            check(text);
        }
    }
    vw_text written = vw_number_write(number);
    CHECK(vw_number_read(written) == number);
    CHECK(written.len <= 25);
    vw_take_back();
}

void test_numbers(void) {
    static const char *const edges[] = {
        "0", "-0", "1", "1.0000000000000002", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
        "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e309", "1e-400", "0e999999999999",
        "1e-999999999999", "0.000001e6", "9007199254740993", "9007199254740993.0000000000000000000000001", "1E+5",
        "1e22", "1e23", "123456789012345678901234567890", "2.2250738585072011e-308", "2.2250738585072014e-308", "0.1",
        "0.30000000000000004", "100e-2",
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        check(edges[i]);
    }
    double number;
    CHECK(!vw_json_number(json("1e309"), &number));
    CHECK(vw_json_number(json("0.5"), &number) && number == 0.5);
    CHECK_TEXT(vw_json_raw(vw_json_of_number(0.1)), "1e-1");
    CHECK_TEXT(vw_json_raw(vw_json_of_number(-1234.5)), "-1.2345e3");
    CHECK(vw_json_type(vw_json_of_number(INFINITY)) == VW_TYPE_ABSENT);
    CHECK(vw_json_type(vw_json_of_number(NAN)) == VW_TYPE_ABSENT);
    /* Every size of double, from a generator of its own: the same numbers everywhere. */
    uint64_t state = 1;
    for (int i = 0; i < 2000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = state ^ state >> 29;
        memcpy(&number, &bits, sizeof number);
        if (isfinite(number)) {
            check_both_ways(number);
        }
        check_both_ways((double)(state >> 11) / 9007199254740992.0);
    }
}
