/* The library's own tests, a file a subject. */
#ifndef TESTS_H
#define TESTS_H

#include "../lib/native/test.h"
#include "../lib/verwalter.h"

/* The value of a C string, which must be JSON. */
vw_json json(const char *text);

void test_texts(void);
void test_json(void);
void test_numbers(void);
void test_snapshot(void);
void test_schedule(void);
void test_verdict(void);
void test_args(void);
void test_documents(void);

#endif
