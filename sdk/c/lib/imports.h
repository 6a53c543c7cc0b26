/*
 * The host's functions, as the core ABI has them. Natively `native/stub.c` takes the host's place.
 */
#ifndef VERWALTER_IMPORTS_H
#define VERWALTER_IMPORTS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define VW_IMPORT(name) __attribute__((import_module("verwalter"), import_name(name)))
#else
#define VW_IMPORT(name)
#endif

/* Writes min(values, `cap`) doubles at `out`; returns how many values there are, −1 where there is no such column. */
VW_IMPORT("column") int32_t vw_import_column(const char *name, size_t name_len, double *out, size_t cap);

/* Writes the packed texts at `out` if they fit in `cap` bytes; returns how many bytes they are, −1 where nothing is known. */
VW_IMPORT("attribute") int32_t vw_import_attribute(const char *name, size_t name_len, char *out, size_t cap);

VW_IMPORT("log") void vw_import_log(int32_t level, const char *text, size_t len);

#endif
