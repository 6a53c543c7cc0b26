package verwalter

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		raw  string
		open byte
		want string
	}{
		{`{}`, '{', ""},
		{` { } `, '{', ""},
		{`{"a":1,"b":"x,}\"]\\","c":[{"d":[]},2],"e":null,"f":-1.5e3}`, '{', `a=1 b="x,}\"]\\" c=[{"d":[]},2] e=null f=-1.5e3`},
		{" {\n\t\"a\" : true , \"\\u0062\\\"\" : {\"x\": 1} }", '{', `a=true b"={"x": 1}`},
		{`[]`, '[', ""},
		{`[1,[2,"]"],{"a":3},"",false]`, '[', `=1 =[2,"]"] ={"a":3} ="" =false`},
	} {
		var got []string
		if !split(json.RawMessage(c.raw), c.open, func(key string, value json.RawMessage) { got = append(got, fmt.Sprintf("%s=%s", key, value)) }) ||
			strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.raw, got, c.want)
		}
	}
	for _, raw := range []string{"", " ", "1", "[]", `"{"`, "{", `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":"\`, "{,", "{]", "}", `{"a":}`} {
		if split(json.RawMessage(raw), '{', func(string, json.RawMessage) {}) {
			t.Errorf("%q was taken for an object", raw)
		}
	}
}

// Of what is no JSON something is made, without a panic and without end.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c\""}],"d":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, open := range []byte("{[") {
			split(raw, open, func(string, json.RawMessage) {})
		}
		var want map[string]json.RawMessage
		if utf8.Valid(raw) && json.Unmarshal(raw, &want) == nil && want != nil {
			got, ok := ReadObject(raw)
			if !ok || len(got) != len(want) {
				t.Fatalf("%s: %q, %v, want %q", raw, got, ok, want)
			}
			for key, value := range want {
				if string(got[key]) != string(value) {
					t.Fatalf("%s: %s is %s, want %s", raw, key, got[key], value)
				}
			}
		}
	})
}
