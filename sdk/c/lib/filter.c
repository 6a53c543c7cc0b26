#include "filter.h"

static size_t count_of(const struct vw_filter *filter) {
    size_t count = 0;
    while (count < VW_MOST_ARGUMENTS && filter->arguments[count] != NULL) {
        count++;
    }
    return count;
}

static vw_text names_of(const struct vw_filter *filter) {
    vw_text names = VW_TEXT("");
    for (size_t i = 0; i < count_of(filter); i++) {
        names = VW_JOIN(names, i == 0 ? VW_TEXT("") : VW_TEXT(", "), vw_text_of(filter->arguments[i]));
    }
    return names;
}

/* Which argument, as people count: ``argument 2 (`length`)``. */
static vw_text shown_argument(const struct vw_filter *filter, size_t index) {
    return VW_JOIN(VW_TEXT("argument "), vw_text_of_integer((int64_t)index + 1), VW_TEXT(" (`"), vw_text_of(filter->arguments[index]),
                   VW_TEXT("`)"));
}

/* The object at the end of the list holds what was given by name, unless it is the only argument. */
static vw_json named_of(vw_json list, size_t *positional) {
    vw_json last = VW_ABSENT;
    *positional = 0;
    for (struct vw_items walk = vw_json_items(list); vw_json_next_item(&walk); ++*positional) {
        last = walk.value;
    }
    if (*positional < 2 || vw_json_type(last) != VW_TYPE_MAPPING) {
        return VW_ABSENT;
    }
    --*positional;
    return last;
}

static vw_error read_named(const struct vw_filter *filter, vw_json named, size_t positional, struct vw_args *args) {
    size_t count;
    const struct vw_member *members = vw_json_sorted(named, &count);
    for (size_t i = 0; i < count; i++) {
        size_t index = 0, all = count_of(filter);
        while (index < all && !vw_text_equal(members[i].key, vw_text_of(filter->arguments[index]))) {
            index++;
        }
        if (index == all) {
            return VW_FAIL(VW_TEXT("there is no argument `"), members[i].key, VW_TEXT("`; it takes "), names_of(filter));
        }
        if (index < positional) {
            return VW_FAIL(shown_argument(filter, index), VW_TEXT(" is given twice, by position and by name"));
        }
        args->values[index] = members[i].value;
    }
    return NULL;
}

static vw_error read_args(const struct vw_filter *filter, vw_json list, struct vw_args *args) {
    *args = (struct vw_args){.filter = filter};
    if (vw_json_type(list) != VW_TYPE_LIST) {
        return VW_FAIL(VW_TEXT("the arguments are no JSON array"));
    }
    size_t positional, count = count_of(filter), index = 0;
    vw_json named = named_of(list, &positional);
    if (positional > count) {
        return VW_FAIL(VW_TEXT("takes at most "), vw_text_of_integer((int64_t)count), VW_TEXT(" arguments ("), names_of(filter),
                       VW_TEXT("), got "), vw_text_of_integer((int64_t)positional));
    }
    for (struct vw_items walk = vw_json_items(list); index < positional && vw_json_next_item(&walk); index++) {
        args->values[index] = walk.value;
    }
    return read_named(filter, named, positional, args);
}

/* A text in quotes, with escapes for what would not print. */
static vw_text quoted(vw_text text) {
    static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt", digits[] = "0123456789abcdef";
    struct vw_buffer out = {0};
    vw_put_byte(&out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        size_t escape = 0;
        while (plain[escape] != '\0' && plain[escape] != text.bytes[i]) {
            escape++;
        }
        if (plain[escape] != '\0') {
            vw_put_byte(&out, '\\');
            vw_put_byte(&out, letters[escape]);
        } else if (c == 0) {
            vw_put(&out, VW_TEXT("\\0"));
        } else if (c < ' ' || c == 0x7f) {
            vw_put(&out, VW_TEXT("\\u{"));
            if (c >= 16) {
                vw_put_byte(&out, digits[c >> 4]);
            }
            vw_put_byte(&out, digits[c & 15]);
            vw_put_byte(&out, '}');
        } else {
            vw_put_byte(&out, text.bytes[i]);
        }
    }
    vw_put_byte(&out, '"');
    return (vw_text){out.bytes, out.len};
}

/* A value in an error: its type, and its beginning where it is a text. */
static vw_text shown(vw_json value) {
    enum { MOST_CHARS = 40 };
    vw_text text = VW_TEXT(""), count = vw_text_of_integer((int64_t)vw_json_count(value));
    switch (vw_json_type(value)) {
    case VW_TYPE_ABSENT:
        return VW_TEXT("nothing");
    case VW_TYPE_NULL:
    case VW_TYPE_BOOLEAN:
        return vw_json_raw(value);
    case VW_TYPE_NUMBER:
        return VW_JOIN(VW_TEXT("the number "), vw_json_raw(value));
    case VW_TYPE_LIST:
        return VW_JOIN(VW_TEXT("a list of "), count);
    case VW_TYPE_MAPPING:
        return VW_JOIN(VW_TEXT("a mapping of "), count);
    case VW_TYPE_TEXT:
        break;
    }
    vw_json_text(value, &text);
    vw_text first = vw_text_first_chars(text, MOST_CHARS);
    return VW_JOIN(VW_TEXT("the text "), quoted(first), first.len < text.len ? VW_TEXT("…") : VW_TEXT(""));
}

static vw_error missing(const struct vw_args *args, size_t index, vw_text expected) {
    return VW_FAIL(shown_argument(args->filter, index), VW_TEXT(" is missing: expected "), expected);
}

vw_error vw_arg_wrong(const struct vw_args *args, size_t index, vw_text expected) {
    return VW_FAIL(shown_argument(args->filter, index), VW_TEXT(": expected "), expected, VW_TEXT(", got "), shown(args->values[index]));
}

static bool is_left_out(const struct vw_args *args, size_t index) {
    return vw_json_type(args->values[index]) == VW_TYPE_ABSENT;
}

vw_error vw_arg_any(const struct vw_args *args, size_t index, vw_json *value) {
    *value = args->values[index];
    return is_left_out(args, index) ? missing(args, index, VW_TEXT("a value")) : NULL;
}

vw_error vw_arg_text(const struct vw_args *args, size_t index, vw_text *text) {
    if (vw_json_text(args->values[index], text)) {
        return NULL;
    }
    *text = VW_TEXT("");
    return (is_left_out(args, index) ? missing : vw_arg_wrong)(args, index, VW_TEXT("a text"));
}

vw_error vw_arg_text_or(const struct vw_args *args, size_t index, vw_text otherwise, vw_text *text) {
    if (is_left_out(args, index)) {
        *text = otherwise;
        return NULL;
    }
    return vw_arg_text(args, index, text);
}

/* `[+-]?[0-9]+`; what is beyond 64 bits is their end. */
static bool whole(vw_text text, int64_t *integer) {
    bool negative = text.len > 0 && text.bytes[0] == '-';
    text = vw_text_after(text, negative || (text.len > 0 && text.bytes[0] == '+'));
    /* Counted below zero, where the range is one wider. */
    int64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text.bytes[i] - '0';
        if (digit < 0 || digit > 9) {
            return false;
        }
        number = number < (INT64_MIN + digit) / 10 ? INT64_MIN : number * 10 - digit;
    }
    *integer = negative ? number : number == INT64_MIN ? INT64_MAX : -number;
    return text.len != 0;
}

vw_error vw_arg_integer(const struct vw_args *args, size_t index, int64_t *integer) {
    vw_json value = args->values[index];
    const vw_text expected = VW_TEXT("a whole number");
    *integer = 0;
    if (is_left_out(args, index)) {
        return missing(args, index, expected);
    }
    vw_text text = VW_TEXT("");
    bool is = vw_json_text(value, &text) ? whole(text, integer) : vw_json_whole(value, integer);
    return is ? NULL : vw_arg_wrong(args, index, expected);
}

vw_error vw_arg_list(const struct vw_args *args, size_t index, vw_json *list) {
    *list = args->values[index];
    if (vw_json_type(*list) == VW_TYPE_LIST) {
        return NULL;
    }
    return (is_left_out(args, index) ? missing : vw_arg_wrong)(args, index, VW_TEXT("a list"));
}

vw_text vw_answer_filters(const struct vw_filters *plugin) {
    struct vw_buffer out = vw_answer_begin();
    vw_put_byte(&out, '[');
    for (size_t i = 0; i < plugin->count; i++) {
        vw_put_comma(&out);
        vw_put_text(&out, vw_text_of(plugin->filters[i].name));
    }
    vw_put_byte(&out, ']');
    return vw_answer_of(&out);
}

static vw_error apply(const struct vw_filter *filter, vw_json list, vw_json *result) {
    struct vw_args args;
    vw_error error = read_args(filter, list, &args);
    if (error == NULL) {
        error = filter->apply(&args, result);
    }
    return error == NULL ? NULL : VW_FAIL(vw_text_of(filter->name), VW_TEXT(": "), *error);
}

vw_text vw_answer_apply(const struct vw_filters *plugin, vw_text call) {
    vw_json document, result = VW_ABSENT;
    vw_error error = vw_json_read(call, &document);
    if (error != NULL) {
        return vw_answer_error(VW_FAIL(VW_TEXT("the call: "), *error));
    }
    vw_text name = vw_json_text_or(vw_json_get(document, VW_TEXT("name")), VW_TEXT(""));
    const struct vw_filter *filter = NULL;
    for (size_t i = 0; i < plugin->count; i++) {
        filter = vw_text_equal(name, vw_text_of(plugin->filters[i].name)) ? &plugin->filters[i] : filter;
    }
    if (filter == NULL) {
        return vw_answer_error(VW_FAIL(VW_TEXT("there is no filter `"), name, VW_TEXT("`")));
    }
    error = apply(filter, vw_json_get(document, VW_TEXT("args")), &result);
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_buffer out = vw_answer_begin();
    vw_put_json(&out, result);
    return vw_answer_of(&out);
}
