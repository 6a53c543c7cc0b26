/*
 * JSON, read and written. Reading copies nothing: a value is a slice of the document, and what it holds is found when it is asked
 * for. A `vw_json` that is there is sound JSON: every way to make one checks it.
 */
#ifndef VERWALTER_JSON_H
#define VERWALTER_JSON_H

#include "text.h"

/** One JSON value's own text; absent where `len` is 0. Only the functions below make one that is there. */
typedef struct vw_json {
    const char *bytes;
    size_t len;
} vw_json;

/** No value: what is not there. */
#define VW_ABSENT ((vw_json){NULL, 0})

enum vw_type { VW_TYPE_ABSENT, VW_TYPE_NULL, VW_TYPE_BOOLEAN, VW_TYPE_NUMBER, VW_TYPE_TEXT, VW_TYPE_LIST, VW_TYPE_MAPPING };

/** How deeply lists and mappings may lie in one another: above the most that a manifest can allow. */
enum { VW_JSON_DEPTH = 128 };

/** Reads one value: RFC 8259 in UTF-8, without lone surrogates, at most VW_JSON_DEPTH deep. O(bytes). */
vw_error vw_json_read(vw_text text, vw_json *value);

enum vw_type vw_json_type(vw_json value);

/** Its text as it was written. */
vw_text vw_json_raw(vw_json value);

/** The member `key`; absent where there is none and where `value` is no mapping. O(bytes of the mapping). */
vw_json vw_json_get(vw_json value, vw_text key);

/** How many members or items it has; 0 for anything else. O(bytes). */
size_t vw_json_count(vw_json value);

/** Whether it is a boolean, which is then in `boolean`. */
bool vw_json_boolean(vw_json value, bool *boolean);

/** Whether it is a number within the doubles, the nearest of which is then in `number`. */
bool vw_json_number(vw_json value, double *number);

/**
 * Whether it is a whole number, in whatever way it is written (`2`, `2.0` and `2e0` are the same number); it is then in `integer`. What is
 * beyond 64 bits becomes their end.
 */
bool vw_json_whole(vw_json value, int64_t *integer);

/** Whether it is a whole number from `least` to `most`; it is then in `integer`, exactly. */
bool vw_json_integer(vw_json value, int64_t least, int64_t most, int64_t *integer);

/** Whether it is a text, which is then in `text`, without quotes and escapes: a slice of the document where it has none. */
bool vw_json_text(vw_json value, vw_text *text);

/** Like vw_json_text; `otherwise` where it is no text. */
vw_text vw_json_text_or(vw_json value, vw_text otherwise);

/**
 * A walk over a mapping's members, in the document's order; over nothing where it is no mapping:
 *
 *     for (struct vw_members walk = vw_json_members(mapping); vw_json_next_member(&walk);) { use(walk.key, walk.value); }
 */
struct vw_members {
    vw_text key;
    vw_json value;
    const char *at, *end;
};
struct vw_members vw_json_members(vw_json value);
bool vw_json_next_member(struct vw_members *walk);

/** A walk over a list's items in the same way. */
struct vw_items {
    vw_json value;
    const char *at, *end;
};
struct vw_items vw_json_items(vw_json value);
bool vw_json_next_item(struct vw_items *walk);

/** One member of a mapping. */
struct vw_member {
    vw_text key;
    vw_json value;
};

/** All members in ascending order of bytes of their keys, `count` of them. The order of a document says nothing: sort what you
 * answer in order. O(n log n). */
const struct vw_member *vw_json_sorted(vw_json value, size_t *count);

/** The value of a text; bytes that are no UTF-8 become U+FFFD. */
vw_json vw_json_of_text(vw_text text);

/** The value of a whole number. Absent beyond 2^53, which JSON does not carry exactly everywhere. */
vw_json vw_json_of_integer(int64_t number);

/** The value of a double, which reads as the same double again. Absent where it is not finite. */
vw_json vw_json_of_number(double number);

vw_json vw_json_of_boolean(bool boolean);

/** Text that is being written. Begin with `{0}`. */
struct vw_buffer {
    char *bytes;
    size_t len, cap;
};

/** Appends a text as it is. */
void vw_put(struct vw_buffer *out, vw_text text);

/** Appends one byte. */
void vw_put_byte(struct vw_buffer *out, char byte);

/** Appends a whole number in decimal digits. */
void vw_put_integer(struct vw_buffer *out, int64_t number);

/** Appends a text in quotes, escaped; bytes that are no UTF-8 become U+FFFD. */
void vw_put_text(struct vw_buffer *out, vw_text text);

/** Appends `"key":`, and before it a comma unless it is the first member behind `{`. */
void vw_put_key(struct vw_buffer *out, vw_text key);

/** Appends a comma unless what follows is the first item behind `[`. */
void vw_put_comma(struct vw_buffer *out);

/** Appends a value as it was written; `null` where it is absent. */
void vw_put_json(struct vw_buffer *out, vw_json value);

/** What was written, as a value, if that is what it is. */
vw_error vw_buffer_json(const struct vw_buffer *written, vw_json *value);

#endif
