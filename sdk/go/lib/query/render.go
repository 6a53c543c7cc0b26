package query

import (
	"fmt"
	"maps"
	"slices"

	"verwalter"
	"verwalter/internal/jsonout"
	"verwalter/internal/plugin"
)

// Render is what a plugin is told before a node renders.
type Render struct {
	// NowMS is the time in milliseconds since the Unix epoch: the only clock.
	NowMS int64
	// Hostname is the node that renders.
	Hostname string
	// Config is the manifest's config.
	Config verwalter.Object
	// Schedule is the one to be rendered.
	Schedule *verwalter.Schedule
	// Previous is the one rendered before; nil at first and when a render is forced.
	Previous *verwalter.Schedule
	// Machine are the node's facts.
	Machine verwalter.Object
}

// ReadRender reads a render document.
func ReadRender(text []byte) (*Render, error) {
	in := &Render{Schedule: &verwalter.Schedule{}}
	document := plugin.ReadDocument(text)
	document.Read("now", &in.NowMS)
	document.Read("hostname", &in.Hostname)
	document.Read("config", &in.Config)
	document.Read("schedule", &in.Schedule)
	document.Read("previous", &in.Previous)
	document.Read("machine", &in.Machine)
	return in, document.Err
}

// Roles are the roles that a node renders. Nothing of the schedule is merged in.
type Roles struct {
	// ToRender are the roles with their whole variables, `template` among them.
	ToRender map[string]map[string]any
	// AllRoles are all roles of the cluster, as the plugin sees them. Optional.
	AllRoles []string
}

func (r *Roles) json() ([]byte, error) {
	names := append(slices.Sorted(maps.Keys(r.ToRender)), r.AllRoles...)
	for _, name := range names {
		if !verwalter.IsRoleName(name) {
			return nil, fmt.Errorf("%s is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes", name)
		}
	}
	toRender := map[string]map[string]any{}
	for name, vars := range r.ToRender {
		if vars == nil {
			vars = map[string]any{}
		}
		toRender[name] = vars
	}
	document := map[string]any{"v": 1, "to_render": toRender}
	if r.AllRoles != nil {
		document["all_roles"] = r.AllRoles
	}
	return jsonout.Marshal(document)
}
