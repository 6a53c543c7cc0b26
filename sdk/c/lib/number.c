#include "number.h"

#include <string.h>

#include "memory.h"

/* No double, and no middle between two of them, has more significant digits than 768: what comes behind only says "a little more". */
enum { READ_DIGITS = 800 };

/* Halving adds a digit, at most 1,074 times. */
enum { MOST_DIGITS = READ_DIGITS + 1100 };

/* 0.DIGITS times ten to the power of `point`, and a little more where `more`. Neither first nor last digit is 0. */
struct decimal {
    int count, point;
    bool more;
    unsigned char digits[MOST_DIGITS];
};

static void trim(struct decimal *d) {
    while (d->count > 0 && d->digits[d->count - 1] == 0) {
        d->count--;
    }
    if (d->count == 0) {
        d->point = 0;
    }
}

static void twice(struct decimal *d) {
    int carry = 0;
    for (int i = d->count - 1; i >= 0; i--) {
        int digit = d->digits[i] * 2 + carry;
        carry = digit >= 10;
        d->digits[i] = (unsigned char)(digit % 10);
    }
    if (carry != 0) {
        memmove(d->digits + 1, d->digits, (size_t)d->count);
        d->digits[0] = 1;
        d->count++;
        d->point++;
    }
    trim(d);
}

static void halve(struct decimal *d) {
    int rest = 0;
    for (int i = 0; i < d->count; i++) {
        int digit = rest * 10 + d->digits[i];
        d->digits[i] = (unsigned char)(digit / 2);
        rest = digit % 2;
    }
    if (rest != 0) {
        d->digits[d->count++] = 5;
    }
    if (d->count > 0 && d->digits[0] == 0) {
        memmove(d->digits, d->digits + 1, (size_t)--d->count);
        d->point--;
    }
}

/* Digits far beyond the range of doubles change nothing: exponents are cut there. */
enum { FAR = 100000 };

static bool read(vw_text number, struct decimal *d) {
    bool negative = number.len > 0 && number.bytes[0] == '-', fraction = false;
    size_t i = negative ? 1 : 0;
    d->count = d->point = 0;
    d->more = false;
    for (; i < number.len && number.bytes[i] != 'e' && number.bytes[i] != 'E'; i++) {
        char c = number.bytes[i];
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (d->count == 0 && c == '0') {
            d->point -= fraction && d->point > -FAR;
            continue;
        }
        d->point += !fraction && d->point < FAR;
        if (d->count < READ_DIGITS) {
            d->digits[d->count++] = (unsigned char)(c - '0');
        } else {
            d->more = d->more || c != '0';
        }
    }
    if (i < number.len) {
        bool below = ++i < number.len && number.bytes[i] == '-';
        int exponent = 0;
        for (i += below || (i < number.len && number.bytes[i] == '+'); i < number.len; i++) {
            exponent = exponent < FAR ? exponent * 10 + (number.bytes[i] - '0') : exponent;
        }
        d->point += below ? -exponent : exponent;
    }
    trim(d);
    return negative;
}

/* The whole part, which must be below 2^64, rounded to even. */
static uint64_t rounded(const struct decimal *d) {
    uint64_t whole = 0;
    for (int i = 0; i < d->point; i++) {
        whole = whole * 10 + (i < d->count ? d->digits[i] : 0);
    }
    if (d->point < 0 || d->point >= d->count) {
        return whole;
    }
    bool middle = d->digits[d->point] == 5 && d->point + 1 == d->count && !d->more;
    return whole + (middle ? whole % 2 : d->digits[d->point] >= 5);
}

/* `whole` times two to the power of `power`, where the result is a double. */
static double scaled(uint64_t whole, int power) {
    double value = (double)whole;
    for (; power > 0; power--) {
        value *= 2;
    }
    for (; power < 0; power++) {
        value /= 2;
    }
    return value;
}

/* Halves and doubles the digits until they lie between 0.5 and 1, then takes as many bits of them as a double has there. Thousands
 * of steps for numbers like 1e300; documents have few of those. */
static double nearest(struct decimal *d) {
    enum { BITS = 53, LEAST_POWER = -1021, MOST_POWER = 1024 };
    int power = 0;
    if (d->count == 0 || d->point < -330) {
        return 0;
    }
    if (d->point > 310) {
        return (double)__builtin_inf();
    }
    for (; d->point > 0; power++) {
        halve(d);
    }
    for (; d->point < 0 || d->digits[0] < 5; power--) {
        twice(d);
    }
    int bits = power < LEAST_POWER ? BITS - (LEAST_POWER - power) : BITS;
    if (bits < 0) {
        return 0;
    }
    for (int i = 0; i < bits; i++) {
        twice(d);
    }
    uint64_t whole = rounded(d);
    power -= bits;
    if (whole == (uint64_t)1 << BITS) {
        whole >>= 1;
        power++;
    }
    return power + BITS > MOST_POWER ? (double)__builtin_inf() : scaled(whole, power);
}

double vw_number_read(vw_text number) {
    /* Whole numbers of at most 15 digits and powers of ten up to 22 are doubles, and so one operation on them rounds correctly. */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    bool negative = read(number, &d);
    int ten = d.point - d.count;
    double value;
    if (d.count <= 15 && ten >= -22 && ten <= 22) {
        int64_t whole = 0;
        for (int i = 0; i < d.count; i++) {
            whole = whole * 10 + d.digits[i];
        }
        value = ten < 0 ? (double)whole / powers[-ten] : (double)whole * powers[ten];
    } else {
        value = nearest(&d);
    }
    return negative ? -value : value;
}

/* The digits of a double, exactly. */
static void expand(double number, struct decimal *d) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    int power = (int)(bits >> 52 & 0x7ff);
    uint64_t whole = (bits & (((uint64_t)1 << 52) - 1)) | (power == 0 ? 0 : (uint64_t)1 << 52);
    read(vw_text_of_integer((int64_t)whole), d);
    power = (power == 0 ? 1 : power) - 1075;
    for (; power > 0; power--) {
        twice(d);
    }
    for (; power < 0 && d->count > 0; power++) {
        halve(d);
    }
}

/* Cut to `count` digits; `cut` behind them says which way to round. */
static vw_text shortened(const struct decimal *d, int count, bool negative) {
    char *room = vw_take(40, 1), *next = room;
    int used = d->count < count ? d->count : count, power = d->point - 1;
    unsigned char digits[20] = {0};
    memcpy(digits + 1, d->digits, (size_t)used);
    if (used < d->count && d->digits[used] >= 5) {
        int last = used;
        while (++digits[last] == 10) {
            digits[last--] = 0;
        }
    }
    const unsigned char *first = digits + 1;
    if (digits[0] != 0) {
        first = digits;
        power++;
        used++;
    }
    while (used > 1 && first[used - 1] == 0) {
        used--;
    }
    if (negative) {
        *next++ = '-';
    }
    *next++ = (char)('0' + first[0]);
    if (used > 1) {
        *next++ = '.';
    }
    for (int i = 1; i < used; i++) {
        *next++ = (char)('0' + first[i]);
    }
    if (power != 0) {
        vw_text exponent = vw_text_of_integer(power);
        *next++ = 'e';
        memcpy(next, exponent.bytes, exponent.len);
        next += exponent.len;
    }
    return (vw_text){room, (size_t)(next - room)};
}

vw_text vw_number_write(double number) {
    if (number == 0) {
        return VW_TEXT("0");
    }
    struct decimal d;
    expand(number, &d);
    for (int count = 15;; count++) {
        vw_text text = shortened(&d, count, number < 0);
        if (count == 17 || vw_number_read(text) == number) {
            return text;
        }
    }
}

vw_text vw_integer_write(int64_t number, char room[VW_INTEGER_ROOM]) {
    char *end = room + VW_INTEGER_ROOM, *first = end;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        *--first = '-';
    }
    return (vw_text){first, (size_t)(end - first)};
}
