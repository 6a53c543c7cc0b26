// Package host names what a plugin may ask of the host: columns, attributes, log lines. It decides nothing.
package host

// Host answers for this round's peers. Lists have one value a peer, in ascending order of hostname.
type Host interface {
	// Column returns false where there is no such column; NaN where a peer has no sample.
	Column(name string) ([]float64, bool)
	// Attribute returns false where nothing is known by that name; "" where a peer has none.
	Attribute(name string) ([]string, bool)
	// Log writes one line; levels are those of the contract, 0 trace to 4 error.
	Log(level int, line string)
}

// Current is the host of this process: the imports in a plugin, [Nothing] natively until a test sets another.
var Current Host = platform

// Nothing is a host without peers that forgets what is logged.
type Nothing struct{}

// Column knows none.
func (Nothing) Column(string) ([]float64, bool) { return nil, false }

// Attribute knows no peer.
func (Nothing) Attribute(string) ([]string, bool) { return nil, true }

// Log forgets.
func (Nothing) Log(int, string) {}
