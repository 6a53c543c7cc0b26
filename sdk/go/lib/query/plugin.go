// Package query makes a plugin that answers /v1/query/PATH, and may choose the roles that a node renders.
//
//	func answer(in *query.Question) (any, error) {
//		return map[string]any{"path": in.Path}, nil
//	}
package query

import (
	"verwalter"
	"verwalter/internal/jsonout"
	"verwalter/internal/plugin"
)

// Plugin is a query plugin.
type Plugin struct {
	// Name and Version are shown by `verwalter plugin status`.
	Name, Version string
	// Query answers with any value that encoding/json takes. An error becomes the response's error.
	Query func(*Question) (any, error)
	// RenderRoles chooses the roles that a node renders; nil leaves them to the schedule. Optional.
	RenderRoles func(*Render) (*Roles, error)
	// CheckConfig looks at the manifest's configuration before the plugin is activated; an error keeps the old one in force. Optional.
	CheckConfig func(verwalter.Object) error
}

var registered Plugin

// Register makes p the plugin of this module. Call it once, in an init function.
func Register(p Plugin) {
	registered = p
	plugin.Register(plugin.Described{Name: p.Name, Version: p.Version, Kind: "query", CheckConfig: p.CheckConfig})
}

// Run answers with p what a request document asks, as the host would ask it to: what the answer's JSON is, for tests.
func (p Plugin) Run(document []byte) ([]byte, error) {
	in, err := ReadQuestion(document)
	if err != nil {
		return nil, err
	}
	answer, err := p.Query(in)
	if err != nil {
		return nil, err
	}
	return jsonout.Marshal(answer)
}

// RunRenderRoles chooses with p for a render document.
func (p Plugin) RunRenderRoles(document []byte) ([]byte, error) {
	in, err := ReadRender(document)
	if err != nil || p.RenderRoles == nil {
		return []byte("null"), err
	}
	roles, err := p.RenderRoles(in)
	if err != nil || roles == nil {
		return []byte("null"), err
	}
	return roles.json()
}
