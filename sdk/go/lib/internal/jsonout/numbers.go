package jsonout

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"verwalter"
)

// From here on a double is printed with an exponent (ECMAScript's rule), so nobody takes it for an exact whole number.
const printsExponent = 1e21

// checkNumbers finds the first number of a valid JSON text that the host would refuse: beyond ±2^53 and printed as a whole number, or
// beyond what a double holds.
func checkNumbers(text []byte) error {
	for i := 0; i < len(text); {
		switch b := text[i]; {
		case b == '"':
			i = endOfString(text, i)
		case b == '-' || '0' <= b && b <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte("+-.0123456789eE", text[end]) >= 0 {
				end++
			}
			written := string(text[i:end])
			number, err := strconv.ParseFloat(written, 64)
			if err != nil {
				return fmt.Errorf("%s is more than a double holds", written)
			}
			if size := math.Abs(number); size > verwalter.MaxWhole && size < printsExponent || size == verwalter.MaxWhole && !exact(written) {
				return fmt.Errorf("%s: a whole number beyond ±2^53 does not survive JSON, pass it as a text", written)
			}
			i = end
		default:
			i++
		}
	}
	return nil
}

// exact tells 2^53 itself from its neighbours that a double rounds to it.
func exact(number string) bool {
	whole, err := strconv.ParseInt(number, 10, 64)
	return err != nil || whole == verwalter.MaxWhole || whole == -verwalter.MaxWhole
}

// endOfString is the position behind the string that begins at start.
func endOfString(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
