package jsonout

import (
	"encoding/json"
	"testing"
)

func TestMarshal(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{map[string]any{"b": 1, "a": "<&>"}, `{"a":"<&>","b":1}`},
		{json.RawMessage(` {"z": 1.50, "a": [5e-324, 9007199254740992, -9007199254740992, 1e21, 1.7976931348623157e+308]} `),
			`{"z":1.50,"a":[5e-324,9007199254740992,-9007199254740992,1e21,1.7976931348623157e+308]}`},
		{`a text of "9007199254740993"`, `"a text of \"9007199254740993\""`},
	} {
		if got, err := Marshal(c.value); err != nil || string(got) != c.want {
			t.Errorf("%s, %v, want %s", got, err, c.want)
		}
	}
	for _, value := range []any{int64(1<<53 + 1), -(1<<53 + 2), json.RawMessage("9.1e15"), json.RawMessage("1e400"), json.RawMessage("["), func() {}} {
		if got, err := Marshal(value); err == nil {
			t.Errorf("%v was written as %s", value, got)
		}
	}
}

func TestAppendText(t *testing.T) {
	for _, text := range []string{"", "plain", "\"\\/\n\x00\x1f\x7f", "Zürich – 東京 🦀", "\xff"} {
		var back string
		if err := json.Unmarshal(AppendText(nil, text), &back); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if want := string([]rune(text)); back != want {
			t.Errorf("%q came back as %q", text, back)
		}
	}
}
