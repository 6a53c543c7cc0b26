#include <string.h>

#include "json.h"
#include "memory.h"
#include "number.h"

/* Makes room for `more` bytes and gives it. */
static char *room(struct vw_buffer *out, size_t more) {
    enum { FIRST = 256 };
    if (out->cap - out->len < more) {
        size_t cap = out->cap < FIRST ? FIRST : out->cap * 2;
        cap = cap - out->len < more ? out->len + more : cap;
        out->bytes = vw_extend(out->bytes, out->cap, cap);
        out->cap = cap;
    }
    char *here = out->bytes + out->len;
    out->len += more;
    return here;
}

void vw_put(struct vw_buffer *out, vw_text text) {
    if (text.len != 0) {
        memcpy(room(out, text.len), text.bytes, text.len);
    }
}

void vw_put_byte(struct vw_buffer *out, char byte) {
    *room(out, 1) = byte;
}

void vw_put_integer(struct vw_buffer *out, int64_t number) {
    char digits[VW_INTEGER_ROOM];
    vw_put(out, vw_integer_write(number, digits));
}

/* What stands for an ASCII character that may not stand for itself. */
static void put_escape(struct vw_buffer *out, unsigned char c) {
    static const char digits[] = "0123456789abcdef", named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *name = c == 0 ? NULL : strchr(named, c);
    if (name != NULL) {
        char *to = room(out, 2);
        to[0] = '\\';
        to[1] = names[name - named];
    } else {
        char *to = room(out, 6);
        memcpy(to, "\\u00", 4);
        to[4] = digits[c >> 4];
        to[5] = digits[c & 15];
    }
}

void vw_put_text(struct vw_buffer *out, vw_text text) {
    vw_put_byte(out, '"');
    while (text.len != 0) {
        /* What needs no escape goes out in one piece. */
        size_t plain = 0, len = 1;
        while (plain < text.len) {
            unsigned char c = (unsigned char)text.bytes[plain];
            len = c < 0x80 ? 1 : vw_text_char(vw_text_after(text, plain));
            if (c < ' ' || c == '"' || c == '\\' || len == 0) {
                break;
            }
            plain += len;
        }
        vw_put(out, (vw_text){text.bytes, plain});
        text = vw_text_after(text, plain);
        if (text.len != 0) {
            if (len == 0) {
                vw_put(out, VW_TEXT("\xef\xbf\xbd"));
            } else {
                put_escape(out, (unsigned char)text.bytes[0]);
            }
            text = vw_text_after(text, 1);
        }
    }
    vw_put_byte(out, '"');
}

void vw_put_comma(struct vw_buffer *out) {
    char last = out->len == 0 ? '[' : out->bytes[out->len - 1];
    if (last != '[' && last != '{') {
        vw_put_byte(out, ',');
    }
}

void vw_put_key(struct vw_buffer *out, vw_text key) {
    vw_put_comma(out);
    vw_put_text(out, key);
    vw_put_byte(out, ':');
}

void vw_put_json(struct vw_buffer *out, vw_json value) {
    vw_put(out, value.len == 0 ? VW_TEXT("null") : vw_json_raw(value));
}

vw_error vw_buffer_json(const struct vw_buffer *written, vw_json *value) {
    return vw_json_read((vw_text){written->bytes, written->len}, value);
}

/* What was written by the functions here is sound. */
static vw_json sound(vw_text text) {
    return (vw_json){text.bytes, text.len};
}

vw_json vw_json_of_text(vw_text text) {
    struct vw_buffer out = {0};
    vw_put_text(&out, text);
    return sound((vw_text){out.bytes, out.len});
}

vw_json vw_json_of_integer(int64_t number) {
    const int64_t most = (int64_t)1 << 53;
    return number < -most || number > most ? VW_ABSENT : sound(vw_text_of_integer(number));
}

vw_json vw_json_of_number(double number) {
    return number - number != 0 ? VW_ABSENT : sound(vw_number_write(number));
}

vw_json vw_json_of_boolean(bool boolean) {
    return sound(boolean ? VW_TEXT("true") : VW_TEXT("false"));
}
