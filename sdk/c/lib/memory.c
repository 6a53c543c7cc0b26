#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes_of(size_t count, size_t size) {
    if (size != 0 && count > (SIZE_MAX - 64) / size) {
        abort();
    }
    return count * size;
}

#ifdef __wasm__

/* As `malloc` of wasi-libc has all memory from `__heap_base` on, this takes fresh pages only: both can be used in one plugin. */
enum { PAGE = 65536, ALIGN = 16 };

static char *begin, *next, *end;

static size_t rounded(size_t bytes) {
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void grow(size_t bytes) {
    size_t pages = bytes / PAGE + 1;
    size_t before = __builtin_wasm_memory_grow(0, pages);
    if (before == SIZE_MAX) {
        __builtin_trap();
    }
    char *fresh = (char *)(before * PAGE);
    if (fresh != end) {
        begin = next = fresh;
    }
    end = fresh + pages * PAGE;
}

void *vw_take(size_t count, size_t size) {
    size_t bytes = rounded(bytes_of(count, size));
    if ((size_t)(end - next) < bytes || next == NULL) {
        grow(bytes);
    }
    char *block = next;
    next += bytes;
    return block;
}

void *vw_extend(void *block, size_t from, size_t to) {
    if (block != NULL && (char *)block + rounded(from) == next) {
        size_t more = rounded(to) - rounded(from);
        if ((size_t)(end - next) < more) {
            char *here = next;
            grow(more);
            if (next != here) {
                return memcpy(vw_take(to, 1), block, from);
            }
        }
        next += more;
        return block;
    }
    void *larger = vw_take(to, 1);
    return from == 0 ? larger : memcpy(larger, block, from);
}

void *vw_mark(void) {
    return next;
}

void vw_release(void *mark) {
    /* Not where pages of another place were begun since. */
    if (mark == NULL || ((char *)mark >= begin && (char *)mark <= next)) {
        next = mark == NULL ? begin : mark;
    }
}

void vw_take_back(void) {
    next = begin;
}

#else

/* Natively each block is one of its own, so that sanitizers see what runs over its end and what outlives its call. */
union block {
    union block *before;
    max_align_t align;
};

static union block *last;

void *vw_take(size_t count, size_t size) {
    union block *block = malloc(sizeof *block + bytes_of(count, size));
    if (block == NULL) {
        abort();
    }
    block->before = last;
    last = block;
    return block + 1;
}

void *vw_extend(void *block, size_t from, size_t to) {
    void *larger = vw_take(to, 1);
    return from == 0 ? larger : memcpy(larger, block, from);
}

void *vw_mark(void) {
    return last;
}

void vw_release(void *mark) {
    while (last != mark) {
        union block *before = last->before;
        free(last);
        last = before;
    }
}

void vw_take_back(void) {
    vw_release(NULL);
}

#endif
