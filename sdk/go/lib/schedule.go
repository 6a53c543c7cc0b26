package verwalter

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Schedule is one that the host admitted, in canonical form. It may name nodes that are gone.
type Schedule struct {
	// Nodes by hostname: those that have roles or variables. Walk them by Hosts.
	Nodes map[string]Node
	// Roles are the roles' variables. A role without placements is here too.
	Roles map[string]Object
	// Vars are the variables of every role on every node.
	Vars Object
	// State is what the scheduler kept for its next decision; nil where there is none.
	State json.RawMessage
}

// Node is one node of a schedule.
type Node struct {
	// Roles are the placements: role to its variables on this node, `instances` among them.
	Roles map[string]Object
	// Vars are the variables of every role on this node.
	Vars Object
}

// UnmarshalJSON reads a schedule in canonical form.
func (s *Schedule) UnmarshalJSON(raw []byte) error {
	var parts Object
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	*s = Schedule{State: parts["state"]}
	return firstError(parse(parts, "nodes", &s.Nodes), parse(parts, "roles", &s.Roles), parse(parts, "vars", &s.Vars))
}

// UnmarshalJSON reads a node of a schedule in canonical form.
func (n *Node) UnmarshalJSON(raw []byte) error {
	var parts Object
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	*n = Node{}
	return firstError(parse(parts, "roles", &n.Roles), parse(parts, "vars", &n.Vars))
}

// Hosts returns the hostnames of Nodes in ascending order of bytes.
func (s *Schedule) Hosts() []string {
	return slices.Sorted(maps.Keys(s.Nodes))
}

// Instances returns how many instances of role stand on host, 0 where there are none.
func (s *Schedule) Instances(host, role string) int {
	vars, placed := s.Nodes[host].Roles[role]
	if !placed {
		return 0
	}
	if instances, ok := Whole(vars["instances"]); ok {
		return int(instances)
	}
	return 1 // what the contract means by a placement that does not say
}

// Total returns how many instances of role stand on all nodes.
func (s *Schedule) Total(role string) int {
	total := 0
	for host := range s.Nodes { // whole numbers: their sum is the same in any order
		total += s.Instances(host, role)
	}
	return total
}

// Has tells whether role is in the schedule: among its roles or on a node.
func (s *Schedule) Has(role string) bool {
	if _, ok := s.Roles[role]; ok {
		return true
	}
	for _, node := range s.Nodes {
		if _, ok := node.Roles[role]; ok {
			return true
		}
	}
	return false
}

// parse decodes the member key of parts where there is one.
func parse(parts Object, key string, into any) error {
	raw, ok := parts[key]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
