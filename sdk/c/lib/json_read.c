#include "json.h"

#include <string.h>

#include "memory.h"
#include "number.h"
#include "sort.h"

/*
 * Two passes. `check_*` reads what nobody has looked at yet and bounds every step by `end`; NULL says that it is no JSON. `skip_*`
 * walks over what has been checked, where a value ends before the document does.
 */

static const char *blank(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *check_digits(const char *at, const char *end) {
    if (at == end || !is_digit(*at)) {
        return NULL;
    }
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at;
}

static const char *check_number(const char *at, const char *end) {
    at += *at == '-';
    at = at < end && *at == '0' ? at + 1 : check_digits(at, end);
    if (at != NULL && at < end && *at == '.') {
        at = check_digits(at + 1, end);
    }
    if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        at = check_digits(at, end);
    }
    return at;
}

static int hex_digit(char c) {
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind `\u`, −1 where they are none. */
static long hex(const char *at, const char *end) {
    long unit = 0;
    for (int i = 0; i < 4; i++, at++) {
        int digit = at < end ? hex_digit(*at) : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(long unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(long unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

static const char *check_text(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < ' ') {
            return NULL;
        }
        if (*at != '\\') {
            continue;
        }
        if (++at == end || *at == '\0' || strchr("\"\\/bfnrtu", *at) == NULL) {
            return NULL;
        }
        if (*at == 'u') {
            long unit = hex(at + 1, end);
            if (unit < 0 || is_low(unit)) {
                return NULL;
            }
            at += 4;
            if (is_high(unit)) {
                if (end - at < 7 || at[1] != '\\' || at[2] != 'u' || !is_low(hex(at + 3, end))) {
                    return NULL;
                }
                at += 6;
            }
        }
    }
    return at < end ? at + 1 : NULL;
}

static const char *check_word(const char *at, const char *end, const char *word) {
    size_t len = strlen(word);
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

static const char *check_value(const char *at, const char *end, int depth);

static const char *check_nested(const char *at, const char *end, int depth) {
    char close = *at == '{' ? '}' : ']';
    at = blank(at + 1, end);
    if (at < end && *at == close) {
        return at + 1;
    }
    for (;;) {
        if (close == '}') {
            at = blank(at, end);
            at = at < end && *at == '"' ? check_text(at, end) : NULL;
            at = at == NULL ? NULL : blank(at, end);
            if (at == NULL || at == end || *at++ != ':') {
                return NULL;
            }
        }
        at = check_value(at, end, depth - 1);
        at = at == NULL ? NULL : blank(at, end);
        if (at == NULL || at == end || (*at != ',' && *at != close)) {
            return NULL;
        }
        if (*at++ == close) {
            return at;
        }
    }
}

/* A value, with the white space before it. */
static const char *check_value(const char *at, const char *end, int depth) {
    at = blank(at, end);
    if (at == end) {
        return NULL;
    }
    switch (*at) {
    case '{':
    case '[':
        return depth == 0 ? NULL : check_nested(at, end, depth);
    case '"':
        return check_text(at, end);
    case 't':
        return check_word(at, end, "true");
    case 'f':
        return check_word(at, end, "false");
    case 'n':
        return check_word(at, end, "null");
    default:
        return *at == '-' || is_digit(*at) ? check_number(at, end) : NULL;
    }
}

vw_error vw_json_read(vw_text text, vw_json *value) {
    *value = VW_ABSENT;
    if (!vw_text_is_utf8(text)) {
        return VW_FAIL(VW_TEXT("it is no UTF-8"));
    }
    const char *end = text.bytes + text.len, *begin = blank(text.bytes, end), *stop = check_value(begin, end, VW_JSON_DEPTH);
    if (stop == NULL || blank(stop, end) != end) {
        return VW_FAIL(VW_TEXT("it is no JSON"));
    }
    *value = (vw_json){begin, (size_t)(stop - begin)};
    return NULL;
}

static const char *skip_text(const char *at) {
    for (at++; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at + 1;
}

static const char *skip_value(const char *at) {
    int depth = 0;
    do {
        switch (*at) {
        case '"':
            at = skip_text(at);
            break;
        case '{':
        case '[':
            depth++;
            at++;
            break;
        case '}':
        case ']':
            depth--;
            at++;
            break;
        default:
            at++;
        }
    } while (depth > 0);
    return at;
}

/* A number or a word ends before what may stand behind a value. */
static const char *skip_scalar(const char *at, const char *end) {
    while (at < end && strchr(",]} \n\r\t", *at) == NULL) {
        at++;
    }
    return at;
}

/* The value at `at`, in a mapping or list that ends at `end`. */
static vw_json value_at(const char *at, const char *end) {
    const char *stop = *at == '"' || *at == '{' || *at == '[' ? skip_value(at) : skip_scalar(at, end);
    return (vw_json){at, (size_t)(stop - at)};
}

enum vw_type vw_json_type(vw_json value) {
    if (value.len == 0) {
        return VW_TYPE_ABSENT;
    }
    switch (value.bytes[0]) {
    case '{':
        return VW_TYPE_MAPPING;
    case '[':
        return VW_TYPE_LIST;
    case '"':
        return VW_TYPE_TEXT;
    case 't':
    case 'f':
        return VW_TYPE_BOOLEAN;
    case 'n':
        return VW_TYPE_NULL;
    default:
        return VW_TYPE_NUMBER;
    }
}

vw_text vw_json_raw(vw_json value) {
    return (vw_text){value.bytes, value.len};
}

bool vw_json_boolean(vw_json value, bool *boolean) {
    bool is = vw_json_type(value) == VW_TYPE_BOOLEAN;
    if (is) {
        *boolean = value.bytes[0] == 't';
    }
    return is;
}

bool vw_json_number(vw_json value, double *number) {
    if (vw_json_type(value) != VW_TYPE_NUMBER) {
        return false;
    }
    double nearest = vw_number_read(vw_json_raw(value));
    if (nearest - nearest != 0) {
        return false;
    }
    *number = nearest;
    return true;
}

/* A number's exponent; far beyond the doubles it does not matter how far. */
static long exponent_of(vw_json number, size_t at) {
    bool negative = at < number.len && number.bytes[at] == '-';
    long exponent = 0;
    for (at += at < number.len && !is_digit(number.bytes[at]); at < number.len && exponent < 100000; at++) {
        exponent = exponent * 10 + (number.bytes[at] - '0');
    }
    return negative ? -exponent : exponent;
}

/* Whether it is a whole number, and whether it lies within 64 bits; beyond them `integer` is their end. */
static bool read_whole(vw_json value, bool *within, int64_t *integer) {
    if (vw_json_type(value) != VW_TYPE_NUMBER) {
        return false;
    }
    bool negative = value.bytes[0] == '-';
    size_t end = negative, point = SIZE_MAX;
    for (; end < value.len && (value.bytes[end] | 0x20) != 'e'; end++) {
        if (value.bytes[end] == '.') {
            point = end;
        }
    }
    /* How many digits stand before the point once the exponent has moved it. */
    long before = (long)((point == SIZE_MAX ? end : point) - negative) + exponent_of(value, end + 1);
    /* Counted below zero, where the range is one wider. */
    int64_t number = 0;
    *within = true;
    for (size_t i = negative; i < end || (before > 0 && number != 0); i++) {
        int digit = i < end ? value.bytes[i] - '0' : 0;
        if (i == point) {
            continue;
        }
        if (before-- <= 0) {
            if (digit != 0) {
                return false;
            }
        } else if (number < (INT64_MIN + digit) / 10) {
            *within = false;
            number = INT64_MIN;
        } else {
            number = number * 10 - digit;
        }
    }
    *within = *within && (negative || number != INT64_MIN);
    *integer = negative ? number : number == INT64_MIN ? INT64_MAX : -number;
    return true;
}

bool vw_json_whole(vw_json value, int64_t *integer) {
    bool within;
    return read_whole(value, &within, integer);
}

bool vw_json_integer(vw_json value, int64_t least, int64_t most, int64_t *integer) {
    bool within;
    int64_t number = 0;
    if (!read_whole(value, &within, &number) || !within || number < least || number > most) {
        return false;
    }
    *integer = number;
    return true;
}

static char *put_code_point(char *to, unsigned long point) {
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[more] | point >> (6 * more));
    while (more-- > 0) {
        *to++ = (char)(0x80 | (point >> (6 * more) & 0x3f));
    }
    return to;
}

/* No escape is shorter than what it stands for. */
static vw_text unescaped(vw_text escaped) {
    char *room = vw_take(escaped.len, 1), *to = room;
    const char *end = escaped.bytes + escaped.len;
    for (const char *at = escaped.bytes; at < end; at++) {
        if (*at != '\\') {
            *to++ = *at;
            continue;
        }
        switch (*++at) {
        case 'b':
            *to++ = '\b';
            break;
        case 'f':
            *to++ = '\f';
            break;
        case 'n':
            *to++ = '\n';
            break;
        case 'r':
            *to++ = '\r';
            break;
        case 't':
            *to++ = '\t';
            break;
        case 'u': {
            unsigned long point = (unsigned long)hex(at + 1, end);
            at += 4;
            if (is_high((long)point)) {
                point = 0x10000 + ((point & 0x3ff) << 10) + ((unsigned long)hex(at + 3, end) & 0x3ff);
                at += 6;
            }
            to = put_code_point(to, point);
            break;
        }
        default:
            *to++ = *at;
        }
    }
    return (vw_text){room, (size_t)(to - room)};
}

bool vw_json_text(vw_json value, vw_text *text) {
    if (vw_json_type(value) != VW_TYPE_TEXT) {
        return false;
    }
    vw_text inner = {value.bytes + 1, value.len - 2};
    *text = inner.len > 0 && memchr(inner.bytes, '\\', inner.len) != NULL ? unescaped(inner) : inner;
    return true;
}

vw_text vw_json_text_or(vw_json value, vw_text otherwise) {
    vw_json_text(value, &otherwise);
    return otherwise;
}

/* Behind the comma that may stand at `at`, or `end`. */
static const char *next_at(const char *at, const char *end) {
    at = blank(at, end);
    return at < end && *at == ',' ? blank(at + 1, end) : at;
}

struct vw_members vw_json_members(vw_json value) {
    if (vw_json_type(value) != VW_TYPE_MAPPING) {
        return (struct vw_members){.at = NULL};
    }
    return (struct vw_members){.at = value.bytes + 1, .end = value.bytes + value.len - 1};
}

bool vw_json_next_member(struct vw_members *walk) {
    const char *at = walk->at == NULL ? walk->end : next_at(walk->at, walk->end);
    if (at == walk->end) {
        return false;
    }
    vw_json key = value_at(at, walk->end);
    vw_json_text(key, &walk->key);
    at = blank(key.bytes + key.len, walk->end);
    walk->value = value_at(blank(at + 1, walk->end), walk->end);
    walk->at = walk->value.bytes + walk->value.len;
    return true;
}

struct vw_items vw_json_items(vw_json value) {
    if (vw_json_type(value) != VW_TYPE_LIST) {
        return (struct vw_items){.at = NULL};
    }
    return (struct vw_items){.at = value.bytes + 1, .end = value.bytes + value.len - 1};
}

bool vw_json_next_item(struct vw_items *walk) {
    const char *at = walk->at == NULL ? walk->end : next_at(walk->at, walk->end);
    if (at == walk->end) {
        return false;
    }
    walk->value = value_at(at, walk->end);
    walk->at = walk->value.bytes + walk->value.len;
    return true;
}

vw_json vw_json_get(vw_json value, vw_text key) {
    for (struct vw_members walk = vw_json_members(value); vw_json_next_member(&walk);) {
        if (vw_text_equal(walk.key, key)) {
            return walk.value;
        }
    }
    return VW_ABSENT;
}

size_t vw_json_count(vw_json value) {
    size_t count = 0;
    for (struct vw_members walk = vw_json_members(value); vw_json_next_member(&walk);) {
        count++;
    }
    for (struct vw_items walk = vw_json_items(value); vw_json_next_item(&walk);) {
        count++;
    }
    return count;
}

static int by_key(const void *a, const void *b) {
    return vw_text_compare(((const struct vw_member *)a)->key, ((const struct vw_member *)b)->key);
}

const struct vw_member *vw_json_sorted(vw_json value, size_t *count) {
    struct vw_member *members = vw_take(vw_json_count(value), sizeof *members);
    *count = 0;
    for (struct vw_members walk = vw_json_members(value); vw_json_next_member(&walk); ++*count) {
        members[*count] = (struct vw_member){walk.key, walk.value};
    }
    vw_sort(members, *count, sizeof *members, by_key);
    return members;
}
