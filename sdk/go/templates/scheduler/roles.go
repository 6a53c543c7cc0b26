package main

import (
	"encoding/json"
	"fmt"

	"verwalter"
)

// maxInstances is the most instances of a role that the runtime metadata may ask for.
const maxInstances = 1_000_000

// role is what the runtime metadata want of one role.
type role struct {
	name      string
	instances int
	template  json.RawMessage  // nil where none was given
	vars      verwalter.Object // passed on as they were written
}

// readRoles returns the roles in ascending order of their names.
func readRoles(runtime verwalter.Object) ([]role, error) {
	var roles []role
	for _, name := range runtime.Keys() {
		role, err := readRole(name, runtime[name])
		if err != nil {
			return nil, fmt.Errorf("runtime: %w", err)
		}
		roles = append(roles, role)
	}
	return roles, nil
}

func readRole(name string, raw json.RawMessage) (role, error) {
	read := role{name: name}
	if !verwalter.IsRoleName(name) {
		return read, fmt.Errorf("%s is no role name", name)
	}
	object, ok := verwalter.ReadObject(raw)
	if !ok {
		return read, fmt.Errorf("%s must be a mapping", name)
	}
	instances, ok := verwalter.Whole(object["instances"])
	if !ok || instances < 0 || instances > maxInstances {
		return read, fmt.Errorf("%s.instances must be a whole number from 0 to %d", name, maxInstances)
	}
	read.instances = int(instances)
	if template, given := object["template"]; given {
		if _, ok := verwalter.Text(template); !ok {
			return read, fmt.Errorf("%s.template must be a text", name)
		}
		read.template = template
	}
	if vars, given := object["vars"]; given {
		if read.vars, ok = verwalter.ReadObject(vars); !ok {
			return read, fmt.Errorf("%s.vars must be a mapping", name)
		}
	}
	for _, reserved := range []string{"place", "template"} {
		if _, given := read.vars[reserved]; given {
			return read, fmt.Errorf("%s.vars.%s is reserved", name, reserved)
		}
	}
	return read, nil
}
