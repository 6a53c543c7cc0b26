// Package plugin answers what the host may ask of a plugin of any kind: its description, and what it says to a configuration.
package plugin

import (
	"encoding/json"
	"errors"

	"verwalter"
	"verwalter/internal/jsonout"
)

// Described is what every kind of plugin has. Input and Reads are a scheduler's and a policy's.
type Described struct {
	Name, Version, Kind string
	Input               verwalter.Input
	Reads               []verwalter.Part
	CheckConfig         func(verwalter.Object) error
}

var registered Described

// Register makes d what the host is told.
func Register(d Described) {
	registered = d
}

// Describe is the description's JSON.
func (d Described) Describe() ([]byte, error) {
	description := map[string]any{"name": d.Name, "kind": d.Kind}
	if d.Version != "" {
		description["version"] = d.Version
	}
	if d.Kind == "scheduler" || d.Kind == "policy" {
		input := d.Input
		if input == "" {
			input = verwalter.Columns
		}
		description["input"] = input
		// An absent list would mean that everything is read.
		description["reads"] = append([]verwalter.Part{}, d.Reads...)
	}
	return jsonout.Marshal(description)
}

// Check asks the author's CheckConfig, where there is one. The text is empty: the configuration will do.
func (d Described) Check(config []byte) ([]byte, error) {
	if d.CheckConfig == nil {
		return nil, nil
	}
	object, ok := verwalter.ReadObject(config)
	if !ok || !json.Valid(config) {
		return nil, errors.New("config: must be a mapping")
	}
	return nil, d.CheckConfig(object)
}
