// Package log writes lines for people. A call that logs more bytes than the manifest's `limits: { log: … }` is ended, so a line
// a role is plenty and a line a peer is not.
package log

import (
	"fmt"

	"verwalter/internal/host"
)

// The contract's levels.
const (
	trace = iota
	debug
	info
	warn
	failure
)

// Tracef writes a line of level trace; its arguments are those of [fmt.Sprintf], as of all functions here.
func Tracef(format string, args ...any) { write(trace, format, args) }

// Debugf writes a line of level debug.
func Debugf(format string, args ...any) { write(debug, format, args) }

// Infof writes a line of level info.
func Infof(format string, args ...any) { write(info, format, args) }

// Warnf writes a line of level warn.
func Warnf(format string, args ...any) { write(warn, format, args) }

// Errorf writes a line of level error. It does not end the call: return an error for that.
func Errorf(format string, args ...any) { write(failure, format, args) }

func write(level int, format string, args []any) {
	host.Current.Log(level, fmt.Sprintf(format, args...))
}
