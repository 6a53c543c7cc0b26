/*
 * Texts: UTF-8 with a length, without a terminator. They are slices: they own nothing, and live as long as the call that they
 * were made in (memory.h).
 */
#ifndef VERWALTER_TEXT_H
#define VERWALTER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A text; `bytes` may be NULL where `len` is 0. */
typedef struct vw_text {
    const char *bytes;
    size_t len;
} vw_text;

/** The text of a string literal, also where a constant is wanted. */
#define VW_TEXT(literal) ((vw_text){"" literal, sizeof(literal) - 1})

/** The text of a C string; "" for NULL. */
vw_text vw_text_of(const char *terminated);

/** Whether two texts have the same bytes. */
bool vw_text_equal(vw_text a, vw_text b);

/** Order of bytes, the order of all hostnames and columns: below, equal to or above 0. */
int vw_text_compare(vw_text a, vw_text b);

/** Whether `text` begins with `prefix`. */
bool vw_text_begins(vw_text text, vw_text prefix);

/** The text without its first `count` bytes; "" where it has no more. */
vw_text vw_text_after(vw_text text, size_t count);

/** How many bytes its first code point has; 0 where it has none or begins with what is no UTF-8. */
size_t vw_text_char(vw_text text);

/** Whether all of it is UTF-8. */
bool vw_text_is_utf8(vw_text text);

/** Whether it is empty or Unicode white space only. */
bool vw_text_is_blank(vw_text text);

/** How many Unicode code points it has; a byte that is no UTF-8 counts as one. O(bytes). */
size_t vw_text_chars(vw_text text);

/** Its first `count` code points, counted in the same way, or all of it. O(bytes). */
vw_text vw_text_first_chars(vw_text text, size_t count);

/** A whole number in decimal digits. */
vw_text vw_text_of_integer(int64_t number);

/** Several texts as one: `VW_JOIN(name, VW_TEXT(" is no role name"))`. */
#define VW_JOIN(...) vw_text_join((const vw_text[]){__VA_ARGS__}, sizeof((const vw_text[]){__VA_ARGS__}) / sizeof(vw_text))
vw_text vw_text_join(const vw_text *parts, size_t count);

/** Why something did not go well, for people; NULL where it did. Name the subject and, where it is known, what to do. */
typedef const vw_text *vw_error;

/** An error that says all of its parts: `return VW_FAIL(VW_TEXT("no column "), name);` */
#define VW_FAIL(...) vw_error_of(VW_JOIN(__VA_ARGS__))
vw_error vw_error_of(vw_text message);

#endif
