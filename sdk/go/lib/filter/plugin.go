// Package filter makes a plugin of helpers for templates.
//
//	func init() {
//		filter.Register(filter.Plugin{Name: "mine", Filters: []filter.Filter{
//			{Name: "upper", Args: []string{"text"}, Apply: upper},
//		}})
//	}
//
//	func upper(args *filter.Args) (any, error) {
//		text, err := args.Text("text")
//		return strings.ToUpper(text), err
//	}
package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"verwalter"
	"verwalter/internal/jsonout"
	"verwalter/internal/plugin"
)

// Filter is one helper.
type Filter struct {
	// Name is what templates call it: [A-Za-z][A-Za-z0-9_]*, at most 64 bytes.
	Name string
	// Args are the names of its arguments, in order of position.
	Args []string
	// Apply returns any value that encoding/json takes; a string renders without its quotes. An error, told with the filter's name in
	// front, fails the render of the role.
	Apply func(*Args) (any, error)
}

// Plugin is a plugin of filters.
type Plugin struct {
	// Name and Version are shown by `verwalter plugin status`.
	Name, Version string
	// Filters have different names.
	Filters []Filter
	// CheckConfig looks at the manifest's configuration before the plugin is activated; an error keeps the old one in force. Optional.
	CheckConfig func(verwalter.Object) error
}

var registered Plugin

// Register makes p the plugin of this module. Call it once, in an init function.
func Register(p Plugin) {
	registered = p
	plugin.Register(plugin.Described{Name: p.Name, Version: p.Version, Kind: "filter", CheckConfig: p.CheckConfig})
}

// Names are the filters' names as a JSON array.
func (p Plugin) Names() ([]byte, error) {
	return jsonout.Marshal(p.names())
}

// Run applies a filter of p as the host would ask it to: call is `{"name": text, "args": array}`, the answer any JSON. For tests.
func (p Plugin) Run(call []byte) ([]byte, error) {
	object, _ := verwalter.ReadObject(call)
	name, ok := verwalter.Text(object["name"])
	if !ok || !json.Valid(call) {
		return nil, errors.New("the call: it is no JSON object with a name")
	}
	for _, filter := range p.Filters {
		if filter.Name == name {
			text, err := filter.run(object["args"])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return text, nil
		}
	}
	return nil, fmt.Errorf("there is no filter %s; there are %s", name, strings.Join(p.names(), ", "))
}

func (f Filter) run(raw json.RawMessage) ([]byte, error) {
	args, err := readArgs(raw, f.Args)
	if err != nil {
		return nil, err
	}
	value, err := f.Apply(args)
	if err != nil {
		return nil, err
	}
	return jsonout.Marshal(value)
}

func (p Plugin) names() []string {
	names := make([]string, len(p.Filters))
	for i, filter := range p.Filters {
		names[i] = filter.Name
	}
	return names
}
