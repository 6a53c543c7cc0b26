// Package abi turns what an author's functions return into answers of the core ABI. An error, and a panic too, becomes an error
// answer: the host shows its text and keeps what was in force.
package abi

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// The first byte of an answer.
const (
	ok     = 0
	failed = 1
)

// Answer calls answer and returns its answer as the ABI wants it: the mark, then the text.
func Answer(answer func() ([]byte, error)) []byte {
	text, err := guarded(answer)
	if err != nil {
		return append([]byte{failed}, err.Error()...)
	}
	return append([]byte{ok}, text...)
}

func guarded(answer func() ([]byte, error)) (text []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the plugin panicked%s: %v", where(), cause)
		}
	}()
	return answer()
}

// where names the line that panicked: the first caller behind the runtime's own.
func where() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	panicked := false
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !inRuntime {
			return fmt.Sprintf(" at %s:%d", path.Base(frame.File), frame.Line)
		}
		panicked = panicked || frame.Function == "runtime.gopanic"
	}
	return ""
}
