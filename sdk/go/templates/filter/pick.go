package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"verwalter"
	"verwalter/filter"
)

// pick is the part of a value at a dotted path: keys of mappings, positions in lists. What it finds is passed on as it was written.
func pick(args *filter.Args) (any, error) {
	value, err := args.Value("value")
	if err != nil {
		return nil, err
	}
	path, err := args.Text("path")
	if err != nil {
		return nil, err
	}
	if found, ok := find(value, path); ok {
		return found, nil
	}
	if args.Has("default") {
		return args.Value("default")
	}
	return nil, fmt.Errorf("nothing at `%s`", path)
}

func find(value json.RawMessage, path string) (json.RawMessage, bool) {
	if path == "" {
		return value, true
	}
	for _, step := range strings.Split(path, ".") {
		inner, ok := member(value, step)
		if !ok {
			return nil, false
		}
		value = inner
	}
	return value, true
}

func member(value json.RawMessage, step string) (json.RawMessage, bool) {
	if object, ok := verwalter.ReadObject(value); ok {
		inner, ok := object[step]
		return inner, ok
	}
	list, _ := verwalter.ReadList(value)
	// Digits only: ParseUint takes no sign.
	position, err := strconv.ParseUint(step, 10, 32)
	if err != nil || position >= uint64(len(list)) {
		return nil, false
	}
	return list[position], true
}
