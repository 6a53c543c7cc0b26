package abi

import (
	"errors"
	"regexp"
	"testing"
)

func TestAnswer(t *testing.T) {
	var peers []int
	for _, c := range []struct {
		answer func() ([]byte, error)
		want   string
	}{
		{func() ([]byte, error) { return []byte("{}"), nil }, "^\x00{}$"},
		{func() ([]byte, error) { return nil, nil }, "^\x00$"},
		{func() ([]byte, error) { return nil, errors.New("no") }, "^\x01no$"},
		{func() ([]byte, error) { panic("lost") }, `^` + "\x01" + `the plugin panicked at abi_test.go:\d+: lost$`},
		{func() ([]byte, error) { return nil, errors.New(string(rune(peers[3]))) },
			`^` + "\x01" + `the plugin panicked at abi_test.go:\d+: runtime error: index out of range \[3\] with length 0$`},
	} {
		if got := Answer(c.answer); !regexp.MustCompile(c.want).Match(got) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
