package verwalter

import (
	"bytes"
	"encoding/json"
)

// split walks the members of a JSON object, or the items of an array (their keys are ""), without looking into them: a document
// of megabytes is read level by level, and encoding/json would read all of the rest again at each level. raw must be valid JSON,
// as the host's documents are; of anything else it makes something, and returns false or not.
func split(raw json.RawMessage, open byte, each func(key string, value json.RawMessage)) bool {
	at := skipSpace(raw, 0)
	if at == len(raw) || raw[at] != open {
		return false
	}
	for at = skipSpace(raw, at+1); at < len(raw) && raw[at] != open+2; at = skipSpace(raw, at) { // '{'+2 is '}', '['+2 is ']'
		key := ""
		if open == '{' {
			end := skipValue(raw, at)
			key = unquote(raw[at:end])
			at = skipSpace(raw, skipSpace(raw, end)+1) // behind the colon
		}
		end := skipValue(raw, at)
		if end <= at {
			return false
		}
		each(key, raw[at:end:end])
		if at = skipSpace(raw, end); at < len(raw) && raw[at] == ',' {
			at++
		}
	}
	return at < len(raw)
}

// skipValue is the position behind the value that begins at start.
func skipValue(raw []byte, start int) int {
	depth := 0
	for at := start; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			for at++; at < len(raw) && raw[at] != '"'; at++ {
				if raw[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				return min(at+1, len(raw))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return at // behind a number, true, false or null
			}
			if depth == 0 {
				return at + 1
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
	}
	return len(raw)
}

func skipSpace(raw []byte, at int) int {
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\r' || raw[at] == '\n') {
		at++
	}
	return min(at, len(raw))
}

// unquote is the text of a JSON string.
func unquote(raw []byte) string {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text)
	return text
}
