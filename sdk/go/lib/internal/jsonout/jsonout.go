// Package jsonout writes JSON: equal values get equal texts, and nothing that the host would refuse.
package jsonout

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"verwalter"
)

// Marshal is value as JSON text. Maps are written by their keys in ascending order; `<`, `>` and `&` stay as they are. A number
// that does not survive JSON is an error.
func Marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	return text, checkNumbers(text)
}

// AppendObject appends an object by its keys in ascending order.
func AppendObject(out []byte, object verwalter.Object) []byte {
	out = append(out, '{')
	for _, key := range object.Keys() {
		out = append(AppendKey(out, key), object[key]...)
	}
	return append(out, '}')
}

// AppendKey appends a key and its colon, after a comma unless it is the object's first.
func AppendKey(out []byte, key string) []byte {
	if out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	return append(AppendText(out, key), ':')
}

// AppendTexts appends an array of strings.
func AppendTexts(out []byte, texts []string) []byte {
	out = append(out, '[')
	for i, text := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendText(out, text)
	}
	return append(out, ']')
}

// AppendText appends a string. What is no UTF-8 becomes U+FFFD.
func AppendText(out []byte, text string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, '\\', 'n')
		case r < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
