package verwalter

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhole(t *testing.T) {
	for raw, want := range map[string]int64{"0": 0, "-0": 0, "3.0": 3, "3e2": 300, "9007199254740991": 9007199254740991, "-7": -7} {
		if got, ok := Whole(json.RawMessage(raw)); !ok || got != want {
			t.Errorf("%s: %d, %v", raw, got, ok)
		}
	}
	for _, raw := range []string{"", "1.5", "1e300", "1e400", "9007199254740994", `"3"`, "null", "true", "[3]", "NaN", "Infinity"} {
		if got, ok := Whole(json.RawMessage(raw)); ok {
			t.Errorf("%s was read as %d", raw, got)
		}
	}
}

func TestReadersTakeOneTypeEach(t *testing.T) {
	for _, raw := range []string{"", "null", "true", "1", `"text"`, "[]", "{}"} {
		_, text := Text(json.RawMessage(raw))
		_, number := Number(json.RawMessage(raw))
		_, list := ReadList(json.RawMessage(raw))
		_, object := ReadObject(json.RawMessage(raw))
		if text != (raw == `"text"`) || number != (raw == "1") || list != (raw == "[]") || object != (raw == "{}") {
			t.Errorf("%q: text %v, number %v, list %v, object %v", raw, text, number, list, object)
		}
	}
}

func TestIsRoleName(t *testing.T) {
	for _, name := range []string{"web", "0", "a.b-c_d", strings.Repeat("x", 64)} {
		if !IsRoleName(name) {
			t.Errorf("%q was refused", name)
		}
	}
	for _, name := range []string{"", ".web", "-", "Web", "größe", "a b", "a/b", strings.Repeat("x", 65)} {
		if IsRoleName(name) {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestScheduleKeysAreExact(t *testing.T) {
	text := `{"Nodes":1,"nodes":{"b":{"roles":{"web":{"Instances":9,"instances":2}}},"a":{"roles":{"web":{}},"vars":{"x":1}}},"roles":{"idle":{}}}`
	s, ok := ReadSchedule(json.RawMessage(text))
	if !ok {
		t.Fatal("it was not read")
	}
	if s.Instances("b", "web") != 2 || s.Instances("a", "web") != 1 || s.Instances("a", "idle") != 0 || s.Instances("c", "web") != 0 {
		t.Errorf("%+v", s)
	}
	if s.Total("web") != 3 || !s.Has("web") || !s.Has("idle") || s.Has("db") || strings.Join(s.Hosts(), " ") != "a b" {
		t.Errorf("%+v", s)
	}
}
