package plugin

import (
	"errors"
	"testing"

	"verwalter"
)

func TestDescribe(t *testing.T) {
	for want, described := range map[string]Described{
		`{"input":"columns","kind":"scheduler","name":"x","reads":[]}`: {Name: "x", Kind: "scheduler"},
		`{"input":"document","kind":"policy","name":"x","reads":["peers","metrics"],"version":"1.0"}`: {Name: "x", Version: "1.0", Kind: "policy",
			Input: verwalter.Document, Reads: []verwalter.Part{verwalter.PeerRows, verwalter.Metrics}},
		`{"kind":"filter","name":"x"}`: {Name: "x", Kind: "filter"},
	} {
		if got, err := described.Describe(); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	picky := Described{CheckConfig: func(config verwalter.Object) error {
		if len(config) > 0 {
			return errors.New("config: must be empty")
		}
		return nil
	}}
	if text, err := picky.Check([]byte("{}")); err != nil || len(text) != 0 {
		t.Error(text, err)
	}
	if _, err := picky.Check([]byte(`{"a":1}`)); err == nil {
		t.Error("a key was taken")
	}
	if _, err := picky.Check([]byte(`[]`)); err == nil {
		t.Error("a list was taken")
	}
}
