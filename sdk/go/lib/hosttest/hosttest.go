// Package hosttest stands in for the host in unit tests, which run natively.
package hosttest

import (
	"slices"
	"testing"

	"verwalter/internal/host"
)

// Host has the peers that a test gives it. Lists have one value a peer, in ascending order of hostname.
type Host struct {
	// Hostnames of the peers, in ascending order.
	Hostnames []string
	// Columns by name: what the manifest's metrics declare, and `placed.ROLE`.
	Columns map[string][]float64
	// Attributes by name, such as `rack`; hostname is known.
	Attributes map[string][]string
	// Lines that were logged, `LEVEL TEXT` each.
	Lines []string
}

// Use makes h the host until the test ends. Tests that use it do not run in parallel.
func Use(t *testing.T, h *Host) {
	t.Helper()
	if !slices.IsSorted(h.Hostnames) {
		t.Fatal("hosttest: the hostnames must be in ascending order")
	}
	before := host.Current
	host.Current = stub{h}
	t.Cleanup(func() { host.Current = before })
}

type stub struct{ *Host }

func (s stub) Column(name string) ([]float64, bool) {
	values, ok := s.Columns[name]
	return slices.Clone(values), ok
}

func (s stub) Attribute(name string) ([]string, bool) {
	if name == "hostname" {
		return slices.Clone(s.Hostnames), true
	}
	values, ok := s.Attributes[name]
	if !ok {
		return make([]string, len(s.Hostnames)), true // the host knows every name: "" where a peer has none
	}
	return slices.Clone(values), true
}

func (s stub) Log(level int, line string) {
	names := []string{"trace", "debug", "info", "warn", "error"}
	s.Lines = append(s.Lines, names[level]+" "+line)
}
