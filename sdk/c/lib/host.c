#include "host.h"

#include "imports.h"
#include "memory.h"

void vw_log(enum vw_level level, vw_text line) {
    vw_import_log((int32_t)level, line.bytes, line.len);
}

struct vw_column vw_host_column(vw_text name) {
    /* The first call asks for the size only. */
    int32_t count = vw_import_column(name.bytes, name.len, NULL, 0);
    if (count < 0) {
        return (struct vw_column){NULL, 0};
    }
    double *values = vw_take((size_t)count, sizeof *values);
    vw_import_column(name.bytes, name.len, values, (size_t)count);
    return (struct vw_column){values, (size_t)count};
}

/* Takes the first text from `packed`: its length, four bytes little-endian, then its bytes. */
static bool unpack(vw_text *packed, vw_text *text) {
    if (packed->len < 4) {
        return false;
    }
    const unsigned char *at = (const unsigned char *)packed->bytes;
    size_t len = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
    *packed = vw_text_after(*packed, 4);
    if (len > packed->len) {
        return false;
    }
    *text = (vw_text){packed->bytes, len};
    *packed = vw_text_after(*packed, len);
    return true;
}

struct vw_texts vw_host_attribute(vw_text name) {
    int32_t size = vw_import_attribute(name.bytes, name.len, NULL, 0);
    if (size < 0) {
        return (struct vw_texts){NULL, 0};
    }
    char *room = vw_take((size_t)size, 1);
    vw_import_attribute(name.bytes, name.len, room, (size_t)size);
    const vw_text packed = {room, (size_t)size};
    size_t count = 0;
    vw_text text;
    for (vw_text rest = packed; unpack(&rest, &text);) {
        count++;
    }
    vw_text *texts = vw_take(count, sizeof *texts);
    vw_text rest = packed;
    for (size_t i = 0; i < count; i++) {
        unpack(&rest, &texts[i]);
    }
    return (struct vw_texts){texts, count};
}
