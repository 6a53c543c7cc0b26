package main

import (
	"strings"

	"verwalter/filter"
)

// slug makes a name for files and hosts of a text: ASCII letters in lower case and digits, a `-` for each run of anything else.
func slug(args *filter.Args) (any, error) {
	text, err := args.Text("text")
	if err != nil {
		return nil, err
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return !letterOrDigit(r) })
	return strings.ToLower(strings.Join(words, "-")), nil
}

func letterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
