// Package policy makes a plugin that allows or denies a schedule before it comes into force.
//
//	func review(in *policy.Input) (*policy.Verdict, error) {
//		verdict := policy.Allow()
//		if !in.Schedule.Has("web") {
//			verdict.Denyf("web: it is nowhere")
//		}
//		return verdict, nil
//	}
package policy

import (
	"errors"

	"verwalter"
	"verwalter/internal/jsonout"
	"verwalter/internal/plugin"
)

// Plugin is a policy.
type Plugin struct {
	// Name and Version are shown by `verwalter plugin status`.
	Name, Version string
	// Input says how the peers are told; Columns where it is left out.
	Input verwalter.Input
	// Reads are the parts that the document shall hold, of Runtime, PeerRows and Metrics. It holds no others.
	Reads []verwalter.Part
	// Review judges. An error counts as the manifest's `on-failure` says.
	Review func(*Input) (*Verdict, error)
	// CheckConfig looks at the manifest's configuration before the plugin is activated; an error keeps the old one in force. Optional.
	CheckConfig func(verwalter.Object) error
}

var registered Plugin

// Register makes p the plugin of this module. Call it once, in an init function.
func Register(p Plugin) {
	registered = p
	plugin.Register(plugin.Described{
		Name: p.Name, Version: p.Version, Kind: "policy", Input: p.Input, Reads: p.Reads, CheckConfig: p.CheckConfig,
	})
}

// Run judges with p what a review document holds, as the host would ask it to: what the verdict's JSON is, for tests.
func (p Plugin) Run(document []byte) ([]byte, error) {
	in, err := ReadInput(document)
	if err != nil {
		return nil, err
	}
	verdict, err := p.Review(in)
	if err != nil {
		return nil, err
	}
	if verdict == nil {
		return nil, errors.New("the policy returned neither a verdict nor an error")
	}
	return jsonout.Marshal(verdict.document())
}
