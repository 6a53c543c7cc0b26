package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"verwalter"
)

// Args are what a template passed to a filter, by position or by name. Their errors name the argument, what was expected and what came.
//
// Named arguments arrive as one object behind the positional ones, so an object counts as named arguments when it stands last and
// not first; a filter that wants a mapping takes it as its first argument.
type Args struct {
	names      []string
	positional []json.RawMessage
	named      verwalter.Object
}

// readArgs checks the list as a whole: that there are not too many, and that names are known and not given twice.
func readArgs(raw json.RawMessage, names []string) (*Args, error) {
	positional, ok := verwalter.ReadList(raw)
	if !ok {
		return nil, errors.New("the arguments are no JSON array")
	}
	args := &Args{names: names, positional: positional}
	if last := len(positional) - 1; last > 0 {
		if named, ok := verwalter.ReadObject(positional[last]); ok {
			args.positional, args.named = positional[:last], named
		}
	}
	if len(args.positional) > len(names) {
		return nil, fmt.Errorf("takes at most %d arguments (%s), got %d", len(names), strings.Join(names, ", "), len(args.positional))
	}
	for _, name := range args.named.Keys() {
		switch position := slices.Index(names, name); {
		case position < 0:
			return nil, fmt.Errorf("there is no argument `%s`; it takes %s", name, strings.Join(names, ", "))
		case position < len(args.positional):
			return nil, fmt.Errorf("argument %d (`%s`) is given twice, by position and by name", position+1, name)
		}
	}
	return args, nil
}

// Has tells whether the argument name was given.
func (a *Args) Has(name string) bool {
	return a.raw(name) != nil
}

// Value is the argument name, whatever it is.
func (a *Args) Value(name string) (json.RawMessage, error) {
	raw := a.raw(name)
	if raw == nil {
		return nil, a.missing(name, "a value")
	}
	return raw, nil
}

// Text is the argument name, which must be a text.
func (a *Args) Text(name string) (string, error) {
	raw := a.raw(name)
	if raw == nil {
		return "", a.missing(name, "a text")
	}
	text, ok := verwalter.Text(raw)
	if !ok {
		return "", a.Wrong(name, "a text")
	}
	return text, nil
}

// TextOr is the argument name, a text, or otherwise where it is left out.
func (a *Args) TextOr(name, otherwise string) (string, error) {
	if !a.Has(name) {
		return otherwise, nil
	}
	return a.Text(name)
}

// Whole is the argument name, which must be a whole number, or a text of one: templates often have numbers as texts. A text of more
// than an int64 holds counts as the largest, or the smallest.
func (a *Args) Whole(name string) (int64, error) {
	raw := a.raw(name)
	if raw == nil {
		return 0, a.missing(name, "a whole number")
	}
	if number, ok := verwalter.Whole(raw); ok {
		return number, nil
	}
	text, _ := verwalter.Text(raw)
	number, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return 0, a.Wrong(name, "a whole number")
	}
	return number, nil
}

// List is the argument name, which must be a list.
func (a *Args) List(name string) ([]json.RawMessage, error) {
	raw := a.raw(name)
	if raw == nil {
		return nil, a.missing(name, "a list")
	}
	list, ok := verwalter.ReadList(raw)
	if !ok {
		return nil, a.Wrong(name, "a list")
	}
	return list, nil
}

// Mapping is the argument name, which must be a mapping.
func (a *Args) Mapping(name string) (verwalter.Object, error) {
	raw := a.raw(name)
	if raw == nil {
		return nil, a.missing(name, "a mapping")
	}
	object, ok := verwalter.ReadObject(raw)
	if !ok {
		return nil, a.Wrong(name, "a mapping")
	}
	return object, nil
}

// Wrong is the error that the argument name, which was given, is not what was expected.
func (a *Args) Wrong(name, expected string) error {
	return fmt.Errorf("argument %d (`%s`): expected %s, got %s", a.position(name)+1, name, expected, show(a.raw(name)))
}

func (a *Args) missing(name, expected string) error {
	return fmt.Errorf("argument %d (`%s`) is missing: expected %s", a.position(name)+1, name, expected)
}

// raw is nil where the argument was not given.
func (a *Args) raw(name string) json.RawMessage {
	if position := a.position(name); position < len(a.positional) {
		return a.positional[position]
	}
	return a.named[name]
}

func (a *Args) position(name string) int {
	position := slices.Index(a.names, name)
	if position < 0 {
		panic(fmt.Sprintf("the filter asks for an argument %s that its Args do not name", name)) // the author's mistake
	}
	return position
}

// shownChars is how much of a text stands in an error.
const shownChars = 40

// show is a value in an error: its type, and its beginning where it is short.
func show(raw json.RawMessage) string {
	if text, ok := verwalter.Text(raw); ok {
		if shown := []rune(text); len(shown) > shownChars {
			return fmt.Sprintf("the text %q…", string(shown[:shownChars]))
		}
		return fmt.Sprintf("the text %q", text)
	}
	if object, ok := verwalter.ReadObject(raw); ok {
		return fmt.Sprintf("a mapping of %d", len(object))
	}
	if list, ok := verwalter.ReadList(raw); ok {
		return fmt.Sprintf("a list of %d", len(list))
	}
	if _, ok := verwalter.Number(raw); ok {
		return "the number " + string(raw)
	}
	return string(raw)
}
