/*
 * Decimal digits to doubles and back, correctly rounded. The C library's `strtod` would do, but it comes with its file streams and
 * so with imports of WASI; a plugin without imports is a tenth of the size and can do nothing but decide.
 */
#ifndef VERWALTER_NUMBER_H
#define VERWALTER_NUMBER_H

#include "text.h"

/** The double nearest to a JSON number, ties to even; infinite beyond the doubles. */
double vw_number_read(vw_text number);

/** A JSON number that reads as `number`, which is finite, with as few digits as do it of 15, 16 and 17. */
vw_text vw_number_write(double number);

/** The longest whole number has so many characters: −2^63. */
enum { VW_INTEGER_ROOM = 20 };

/** A whole number's decimal digits, at the end of `room`. */
vw_text vw_integer_write(int64_t number, char room[VW_INTEGER_ROOM]);

#endif
