/*
 * Checks for native tests: they say what differs and where, and go on.
 */
#ifndef VERWALTER_TEST_H
#define VERWALTER_TEST_H

#include "../text.h"
#include "stub.h"

/** That something holds. */
#define CHECK(holds) test_check(__FILE__, __LINE__, #holds, holds)

/** That a text is this C string. */
#define CHECK_TEXT(got, expected) test_check_text(__FILE__, __LINE__, got, vw_text_of(expected))

/** That a whole number is this one. */
#define CHECK_INTEGER(got, expected) test_check_integer(__FILE__, __LINE__, got, expected)

/** That an error has this text; NULL: that there is none. */
#define CHECK_ERROR(got, expected) test_check_error(__FILE__, __LINE__, got, expected)

/** That a whole answer is `ok TEXT` or `error TEXT`. */
#define CHECK_ANSWER(got, expected) test_check_answer(__FILE__, __LINE__, got, vw_text_of(expected))

/** Runs one test on a fresh stub host. */
#define TEST(test) test_run(#test, test)

/** What `main` returns: 0 where all checks held. Says how many tests ran. */
int test_end(void);

void test_run(const char *name, void (*test)(void));
void test_check(const char *file, int line, const char *what, bool holds);
void test_check_text(const char *file, int line, vw_text got, vw_text expected);
void test_check_integer(const char *file, int line, int64_t got, int64_t expected);
void test_check_error(const char *file, int line, vw_error got, const char *expected);
void test_check_answer(const char *file, int line, vw_text got, vw_text expected);

#endif
