#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../imports.h"
#include "../memory.h"

struct known {
    const char *name;
    const double *numbers;
    const char *const *texts;
    size_t count;
};

enum { MOST = 64 };
static struct known known[MOST];
static size_t known_count;
static char *logged;
static size_t logged_len;

void stub_begin(void) {
    known_count = 0;
    free(logged);
    logged = NULL;
    logged_len = 0;
    vw_take_back();
}

static void know(struct known one) {
    if (known_count == MOST) {
        fprintf(stderr, "the stub host knows %d columns and attributes at most\n", MOST);
        exit(1);
    }
    known[known_count++] = one;
}

void stub_column(const char *name, const double *values, size_t count) {
    know((struct known){.name = name, .numbers = values, .count = count});
}

void stub_attribute(const char *name, const char *const *values, size_t count) {
    know((struct known){.name = name, .texts = values, .count = count});
}

const char *stub_logged(void) {
    return logged == NULL ? "" : logged;
}

static const struct known *find(const char *name, size_t len, int is_text) {
    for (size_t i = 0; i < known_count; i++) {
        if (vw_text_equal((vw_text){name, len}, vw_text_of(known[i].name)) && (known[i].texts != NULL) == is_text) {
            return &known[i];
        }
    }
    return NULL;
}

int32_t vw_import_column(const char *name, size_t name_len, double *out, size_t cap) {
    const struct known *column = find(name, name_len, 0);
    if (column == NULL) {
        return -1;
    }
    size_t written = column->count < cap ? column->count : cap;
    if (written != 0) {
        memcpy(out, column->numbers, written * sizeof *out);
    }
    return (int32_t)column->count;
}

int32_t vw_import_attribute(const char *name, size_t name_len, char *out, size_t cap) {
    const struct known *attribute = find(name, name_len, 1);
    if (attribute == NULL) {
        return -1;
    }
    size_t size = 0;
    for (size_t i = 0; i < attribute->count; i++) {
        size += 4 + strlen(attribute->texts[i]);
    }
    for (size_t i = 0, at = 0; size <= cap && i < attribute->count; i++) {
        size_t len = strlen(attribute->texts[i]);
        for (int byte = 0; byte < 4; byte++) {
            out[at++] = (char)(len >> (8 * byte) & 0xff);
        }
        memcpy(out + at, attribute->texts[i], len);
        at += len;
    }
    return (int32_t)size;
}

void vw_import_log(int32_t level, const char *text, size_t len) {
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    const char *name = names[level < 0 ? 0 : level > 4 ? 4 : level];
    size_t more = strlen(name) + 1 + len + 1;
    logged = realloc(logged, logged_len + more + 1);
    if (logged == NULL) {
        abort();
    }
    logged_len += (size_t)sprintf(logged + logged_len, "%s ", name);
    if (len != 0) {
        memcpy(logged + logged_len, text, len);
    }
    logged_len += len;
    strcpy(logged + logged_len, "\n");
    logged_len++;
}
