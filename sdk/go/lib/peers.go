package verwalter

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"verwalter/internal/host"
)

// Peers are the nodes of this round, the own one included, in ascending order of hostname. A peer is its position in that order,
// and so is its place in every column. What is asked of the host is asked once and then kept.
type Peers struct {
	// rows and metrics are the document's; rows is nil where it has none and the host is asked.
	rows       Object
	metrics    Object
	hostnames  []string
	attributes map[string][]string
	columns    map[string][]float64
}

// NewPeers reads the peers of an input document; plugins find them ready in their input.
func NewPeers(document Object) *Peers {
	p := &Peers{attributes: map[string][]string{}, columns: map[string][]float64{}}
	if rows, ok := ReadObject(document["peers"]); ok {
		p.rows, p.hostnames = rows, rows.Keys()
		p.metrics, _ = ReadObject(document["metrics"])
	}
	return p
}

// Len returns how many peers there are.
func (p *Peers) Len() int {
	return len(p.Hostnames())
}

// Hostnames returns all hostnames, in ascending order of bytes.
func (p *Peers) Hostnames() []string {
	if p.hostnames == nil && p.rows == nil {
		p.hostnames, _ = host.Current.Attribute("hostname")
	}
	return p.hostnames
}

// Hostname returns the hostname of peer, which is at least 0 and less than Len.
func (p *Peers) Hostname(peer int) string {
	return p.Hostnames()[peer]
}

// Find returns the peer called hostname; false where there is none.
func (p *Peers) Find(hostname string) (peer int, ok bool) {
	return slices.BinarySearch(p.Hostnames(), hostname)
}

// Column returns a number for each peer: what the manifest's metrics declare as name, in the unit of its rule, NaN where there is
// no sample. `placed.ROLE` is one too, where the schedule has exactly one parent. False where there is no such column.
func (p *Peers) Column(name string) ([]float64, bool) {
	values, known := p.columns[name]
	if !known {
		if p.rows != nil {
			values = p.documentColumn(name)
		} else if column, ok := host.Current.Column(name); ok {
			values = append([]float64{}, column...) // not nil, even where there are no peers
		}
		p.columns[name] = values
	}
	return values, values != nil
}

// RequiredColumn is Column for one that the plugin cannot do without; its error says how to declare it.
func (p *Peers) RequiredColumn(name string) ([]float64, error) {
	values, ok := p.Column(name)
	if !ok {
		return nil, fmt.Errorf("no column %s: declare it under metrics in the manifest", name)
	}
	return values, nil
}

// Attribute returns a text for each peer: `hostname`, `id`, `name`, `addr`, `since`, `schedule`, `errors`, or a machine fact by its dotted path, such as `rack`
// or `disk.ssd`. Numbers and booleans come as text; "" where a peer has none.
func (p *Peers) Attribute(name string) []string {
	texts, known := p.attributes[name]
	if !known {
		if p.rows != nil {
			texts = p.documentAttribute(name)
		} else if texts, known = host.Current.Attribute(name); !known {
			texts = make([]string, p.Len())
		}
		p.attributes[name] = texts
	}
	return texts
}

// Record is the document's record of peer: `id`, `hostname`, `name`, `addr`, `known_since`, `last_report_direct`, `alive`, `since` and `machine`; nil
// with the input [Columns], where the document has no peers.
func (p *Peers) Record(peer int) json.RawMessage {
	return p.rows[p.Hostname(peer)]
}

func (p *Peers) documentColumn(name string) []float64 {
	var samples []*float64
	if json.Unmarshal(p.metrics[name], &samples) != nil || samples == nil {
		return nil
	}
	values := make([]float64, len(samples))
	for i, sample := range samples {
		values[i] = math.NaN()
		if sample != nil {
			values[i] = *sample
		}
	}
	return values
}

func (p *Peers) documentAttribute(name string) []string {
	path := strings.Split(name, ".")
	switch name {
	case "hostname", "id", "name", "addr", "since", "schedule", "errors":
	default:
		path = append([]string{"machine"}, path...)
	}
	texts := make([]string, len(p.hostnames))
	for i, hostname := range p.hostnames {
		value := p.rows[hostname]
		for _, step := range path {
			object, _ := ReadObject(value)
			value = object[step]
		}
		texts[i] = scalarText(value)
	}
	return texts
}

// scalarText is the text of a string, number or boolean; "" for anything else.
func scalarText(raw json.RawMessage) string {
	if text, ok := Text(raw); ok {
		return text
	}
	if _, ok := Number(raw); ok || string(raw) == "true" || string(raw) == "false" {
		return string(raw)
	}
	return ""
}
