package abi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	// Beyond it doubles leave out whole numbers: what JSON carries may come out as another.
	maxWhole = 1 << 53
	// From here on a double is printed with an exponent (ECMAScript's rule), so nobody takes it for an exact whole number.
	printsExponent = 1e21
)

// CheckNumbers finds the first number of a valid JSON text that the host would refuse: beyond ±2^53 and printed as a whole number, or
// beyond what a double holds.
func CheckNumbers(text string) error {
	for i := 0; i < len(text); {
		switch b := text[i]; {
		case b == '"':
			i = endOfString(text, i)
		case b == '-' || '0' <= b && b <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte("+-.0123456789eE", text[end]) >= 0 {
				end++
			}
			number, err := strconv.ParseFloat(text[i:end], 64)
			if err != nil {
				return fmt.Errorf("%s is more than a double holds", text[i:end])
			}
			if size := math.Abs(number); size > maxWhole && size < printsExponent || size == maxWhole && !exact(text[i:end]) {
				return fmt.Errorf("%s: a whole number beyond ±2^53 does not survive JSON, pass it as a text", text[i:end])
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
	return err != nil || whole == maxWhole || whole == -maxWhole
}

// endOfString is the position behind the string that begins at start.
func endOfString(text string, start int) int {
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
