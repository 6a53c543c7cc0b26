package main

import (
	"unicode/utf8"

	"verwalter/filter"
	"verwalter/log"
)

// truncate cuts a text to `length` code points, `end` among them.
func truncate(args *filter.Args) (any, error) {
	text, err := args.Text("text")
	if err != nil {
		return nil, err
	}
	length, err := args.Whole("length")
	if err != nil {
		return nil, err
	}
	if length < 0 {
		return nil, args.Wrong("length", "a whole number of at least 0")
	}
	end, err := args.TextOr("end", "…")
	if err != nil {
		return nil, err
	}
	there := int64(utf8.RuneCountInString(text))
	if there <= length {
		return text, nil
	}
	log.Debugf("truncate: %d of %d characters cut", there-length, there)
	tail := []rune(end)
	tail = tail[:min(int64(len(tail)), length)]
	return string([]rune(text)[:length-int64(len(tail))]) + string(tail), nil
}
