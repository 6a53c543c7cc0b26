// Package scheduler makes a plugin that decides what runs where.
//
//	func init() {
//		scheduler.Register(scheduler.Plugin{
//			Name:     "mine",
//			Reads:    []verwalter.Part{verwalter.Runtime},
//			Schedule: schedule,
//		})
//	}
//
//	func schedule(in *scheduler.Input) (*scheduler.Answer, error) {
//		answer := in.Answer()
//		answer.Role("web").Set("template", "web/v1").Place(0, 1).Why("the first peer")
//		return answer, nil
//	}
package scheduler

import (
	"errors"

	"verwalter"
	"verwalter/internal/plugin"
)

// Plugin is a scheduler.
type Plugin struct {
	// Name and Version are shown by `verwalter plugin status`.
	Name, Version string
	// Input says how the peers are told; Columns where it is left out.
	Input verwalter.Input
	// Reads are the parts that the document shall hold. It holds no others.
	Reads []verwalter.Part
	// Schedule decides. An error keeps the schedule in force, and the status shows its text.
	Schedule func(*Input) (*Answer, error)
	// CheckConfig looks at the manifest's configuration before the plugin is activated; an error keeps the old one in force. Optional.
	CheckConfig func(verwalter.Object) error
}

var registered Plugin

// Register makes p the plugin of this module. Call it once, in an init function.
func Register(p Plugin) {
	registered = p
	plugin.Register(plugin.Described{
		Name: p.Name, Version: p.Version, Kind: "scheduler", Input: p.Input, Reads: p.Reads, CheckConfig: p.CheckConfig,
	})
}

// Run decides with p on an input document, as the host would ask it to: what the answer's JSON is, for tests.
func (p Plugin) Run(document []byte) ([]byte, error) {
	in, err := ReadInput(document)
	if err != nil {
		return nil, err
	}
	answer, err := p.Schedule(in)
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, errors.New("the scheduler returned neither an answer nor an error")
	}
	if answer.err != nil {
		return nil, answer.err
	}
	return answer.json(), nil
}
