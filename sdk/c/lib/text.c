#include "text.h"

#include <string.h>

#include "memory.h"
#include "number.h"

vw_text vw_text_of(const char *terminated) {
    return terminated == NULL ? VW_TEXT("") : (vw_text){terminated, strlen(terminated)};
}

bool vw_text_equal(vw_text a, vw_text b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

int vw_text_compare(vw_text a, vw_text b) {
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared == 0 ? 0 : memcmp(a.bytes, b.bytes, shared);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool vw_text_begins(vw_text text, vw_text prefix) {
    return text.len >= prefix.len && vw_text_equal((vw_text){text.bytes, prefix.len}, prefix);
}

vw_text vw_text_after(vw_text text, size_t count) {
    return count >= text.len ? VW_TEXT("") : (vw_text){text.bytes + count, text.len - count};
}

/* RFC 3629: no surrogates, no longer forms than needed. */
size_t vw_text_char(vw_text text) {
    if (text.len == 0) {
        return 0;
    }
    const unsigned char *at = (const unsigned char *)text.bytes;
    unsigned char low = 0x80, high = 0xbf;
    size_t len;
    if (at[0] < 0x80) {
        return 1;
    } else if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        len = 2;
    } else if ((at[0] & 0xf0) == 0xe0) {
        len = 3;
        low = at[0] == 0xe0 ? 0xa0 : low;
        high = at[0] == 0xed ? 0x9f : high;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        len = 4;
        low = at[0] == 0xf0 ? 0x90 : low;
        high = at[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (len > text.len || at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool vw_text_is_utf8(vw_text text) {
    while (text.len != 0) {
        size_t len = vw_text_char(text);
        if (len == 0) {
            return false;
        }
        text = vw_text_after(text, len);
    }
    return true;
}

/* Behind its first code point, or its first byte where that is none. */
static vw_text behind_char(vw_text text) {
    size_t len = vw_text_char(text);
    return vw_text_after(text, len == 0 ? 1 : len);
}

size_t vw_text_chars(vw_text text) {
    size_t chars = 0;
    for (; text.len != 0; chars++) {
        text = behind_char(text);
    }
    return chars;
}

vw_text vw_text_first_chars(vw_text text, size_t count) {
    vw_text rest = text;
    for (; rest.len != 0 && count > 0; count--) {
        rest = behind_char(rest);
    }
    return (vw_text){text.bytes, text.len - rest.len};
}

/* The code points with the property White_Space, in ascending order of their UTF-8. */
bool vw_text_is_blank(vw_text text) {
    static const char *const blanks[] = {
        "\t", "\n", "\v", "\f", "\r", " ", "\xc2\x85", "\xc2\xa0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
        "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f",
        "\u3000",
    };
    while (text.len != 0) {
        size_t before = text.len;
        for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
            vw_text blank = vw_text_of(blanks[i]);
            if (vw_text_begins(text, blank)) {
                text = vw_text_after(text, blank.len);
                break;
            }
        }
        if (text.len == before) {
            return false;
        }
    }
    return true;
}

vw_text vw_text_of_integer(int64_t number) {
    return vw_integer_write(number, vw_take(VW_INTEGER_ROOM, 1));
}

vw_text vw_text_join(const vw_text *parts, size_t count) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    char *joined = vw_take(len, 1), *next = joined;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len != 0) {
            memcpy(next, parts[i].bytes, parts[i].len);
            next += parts[i].len;
        }
    }
    return (vw_text){joined, len};
}

vw_error vw_error_of(vw_text message) {
    vw_text *error = vw_take(1, sizeof *error);
    *error = message;
    return error;
}
