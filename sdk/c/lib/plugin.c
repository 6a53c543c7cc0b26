#include "plugin.h"

#include "memory.h"

enum { DONE = 0, REFUSED = 1 };

struct vw_buffer vw_answer_begin(void) {
    struct vw_buffer out = {0};
    vw_put_byte(&out, DONE);
    return out;
}

vw_text vw_answer_of(const struct vw_buffer *written) {
    return (vw_text){written->bytes, written->len};
}

vw_text vw_answer_error(vw_error error) {
    static const char refused = REFUSED;
    return VW_JOIN((vw_text){&refused, 1}, *error);
}

static void put_member(struct vw_buffer *out, vw_text key, vw_text value) {
    vw_put_key(out, key);
    vw_put_text(out, value);
}

vw_text vw_answer_describe(const struct vw_about *about, const char *kind, bool reads) {
    static const char *const parts[] = {"runtime", "parents", "actions", "peers", "metrics"};
    struct vw_buffer out = vw_answer_begin();
    vw_put_byte(&out, '{');
    put_member(&out, VW_TEXT("name"), vw_text_of(about->name));
    put_member(&out, VW_TEXT("version"), vw_text_of(about->version));
    put_member(&out, VW_TEXT("kind"), vw_text_of(kind));
    if (reads) {
        put_member(&out, VW_TEXT("input"), about->input == VW_COLUMNS ? VW_TEXT("columns") : VW_TEXT("document"));
        vw_put_key(&out, VW_TEXT("reads"));
        vw_put_byte(&out, '[');
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            if ((about->reads >> i & 1) != 0) {
                vw_put_comma(&out);
                vw_put_text(&out, vw_text_of(parts[i]));
            }
        }
        vw_put_byte(&out, ']');
    }
    vw_put_byte(&out, '}');
    return vw_answer_of(&out);
}

vw_text vw_answer_check_config(const struct vw_about *about, vw_text config) {
    vw_json value;
    vw_error error = vw_json_read(config, &value);
    if (error != NULL) {
        error = VW_FAIL(VW_TEXT("the configuration: "), *error);
    } else if (about->check_config != NULL) {
        error = about->check_config(value);
    }
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_buffer out = vw_answer_begin();
    return vw_answer_of(&out);
}

#ifdef __wasm__

/* How many blocks the host holds: arguments that it wrote, answers that it has not freed. A block of no bytes is none. */
static size_t held;

__attribute__((export_name("vw_abi_1"))) void vw_abi_1(void) {
}

__attribute__((export_name("vw_alloc"))) char *vw_alloc(size_t len) {
    held += len != 0;
    return vw_take(len, 1);
}

__attribute__((export_name("vw_free"))) void vw_free(char *bytes, size_t len) {
    (void)bytes;
    if (len != 0 && held != 0 && --held == 0) {
        vw_take_back();
    }
}

uint64_t vw_give(vw_text answer) {
    held++;
    return (uint64_t)answer.len << 32 | (uintptr_t)answer.bytes;
}

#endif
