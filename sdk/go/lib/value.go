package verwalter

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
)

// MaxWhole is the largest whole number that survives JSON everywhere: 2^53.
const MaxWhole = 1 << 53

// Object is a JSON object whose values are unread JSON texts, so that what is passed on stays as it was written. Decode a value
// into a type of your own with [json.Unmarshal], or read it with [Text], [Whole], [Number] and [ReadObject]; a missing key reads
// as nil, which none of them takes.
//
// What the readers below take must be valid JSON, as all that the host hands over is.
//
// Unlike the fields of a struct, which encoding/json finds in any letter case, its keys are exact.
type Object map[string]json.RawMessage

// Keys returns the keys in ascending order of bytes.
func (o Object) Keys() []string {
	return slices.Sorted(maps.Keys(o))
}

// ReadObject reads a JSON object; false for anything else.
func ReadObject(raw json.RawMessage) (Object, bool) {
	object := Object{}
	ok := split(raw, '{', func(key string, value json.RawMessage) { object[key] = value })
	return object, ok
}

// ReadList reads a JSON array; false for anything else.
func ReadList(raw json.RawMessage) ([]json.RawMessage, bool) {
	list := []json.RawMessage{}
	ok := split(raw, '[', func(_ string, value json.RawMessage) { list = append(list, value) })
	return list, ok
}

// Text reads a JSON string; false for anything else.
func Text(raw json.RawMessage) (string, bool) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return unquote(raw), true
}

// Number reads a JSON number that a float64 can hold; false for anything else.
func Number(raw json.RawMessage) (float64, bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, false
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	return number, err == nil
}

// Whole reads a JSON number without a fraction, however it is written (3, 3.0, 3e0), from -[MaxWhole] to MaxWhole; false for
// anything else.
func Whole(raw json.RawMessage) (int64, bool) {
	number, ok := Number(raw)
	if !ok || number != math.Trunc(number) || math.Abs(number) > MaxWhole {
		return 0, false
	}
	return int64(number), true
}
