package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxLines is how many reasons, and how many warnings, a verdict may have.
	maxLines = 100
	// maxChars is how long one of them may be.
	maxChars = 500
)

// Verdict is what a policy thinks of a schedule; [Allow] begins one. It cannot become one that the host refuses: of reasons and of
// warnings the first 100 are told, of each of them the first 500 characters.
type Verdict struct {
	denied   bool
	reasons  []string
	warnings []string
	log      []string
}

// Allow is a verdict that allows the schedule until something is said against it.
func Allow() *Verdict {
	return &Verdict{}
}

// Denyf denies the schedule and adds a reason, a line for people.
func (v *Verdict) Denyf(format string, args ...any) {
	v.denied = true
	v.reasons = add(v.reasons, format, args)
}

// Warnf adds what a person should know, whatever the verdict.
func (v *Verdict) Warnf(format string, args ...any) {
	v.warnings = add(v.warnings, format, args)
}

// Logf adds a line to the text for the author.
func (v *Verdict) Logf(format string, args ...any) {
	v.log = append(v.log, fmt.Sprintf(format, args...))
}

// Denied tells whether something was said against the schedule.
func (v *Verdict) Denied() bool {
	return v.denied
}

func (v *Verdict) document() map[string]any {
	document := map[string]any{"v": 1, "verdict": "allow"}
	if v.denied {
		document["verdict"] = "deny"
		document["reasons"] = v.reasons
	}
	if len(v.warnings) > 0 {
		document["warnings"] = v.warnings
	}
	if len(v.log) > 0 {
		document["log"] = strings.Join(v.log, "\n")
	}
	return document
}

func add(lines []string, format string, args []any) []string {
	if len(lines) == maxLines {
		return lines
	}
	line := fmt.Sprintf(format, args...)
	if strings.TrimSpace(line) == "" {
		line = "(no text was given)"
	}
	if utf8.RuneCountInString(line) > maxChars {
		line = string([]rune(line)[:maxChars-1]) + "…"
	}
	return append(lines, line)
}
