package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVerdictsThatTheHostTakes(t *testing.T) {
	verdict := Allow()
	for range 150 {
		verdict.Denyf("%s", strings.Repeat("é", 600))
		verdict.Warnf(" ")
	}
	document, err := json.Marshal(verdict.document())
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Verdict           string
		Reasons, Warnings []string
	}
	if err := json.Unmarshal(document, &told); err != nil {
		t.Fatal(err)
	}
	if told.Verdict != "deny" || len(told.Reasons) != 100 || len(told.Warnings) != 100 {
		t.Errorf("%s: %d reasons, %d warnings", told.Verdict, len(told.Reasons), len(told.Warnings))
	}
	if utf8.RuneCountInString(told.Reasons[0]) != 500 || strings.TrimSpace(told.Warnings[0]) == "" {
		t.Errorf("%q, %q", told.Reasons[0], told.Warnings[0])
	}
}
