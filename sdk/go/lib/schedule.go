package verwalter

import (
	"encoding/json"
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
	// Roles are the placements: role to its variables on this node, `instances` among them. They are unread: see ReadObject.
	Roles Object
	// Vars are the variables of every role on this node.
	Vars Object
}

// ReadSchedule reads a schedule in canonical form; false for anything else.
func ReadSchedule(raw json.RawMessage) (*Schedule, bool) {
	s := &Schedule{Nodes: map[string]Node{}, Roles: map[string]Object{}}
	ok := split(raw, '{', func(key string, value json.RawMessage) {
		switch key {
		case "nodes":
			split(value, '{', func(host string, value json.RawMessage) { s.Nodes[host] = readNode(value) })
		case "roles":
			split(value, '{', func(role string, value json.RawMessage) { s.Roles[role], _ = ReadObject(value) })
		case "vars":
			s.Vars, _ = ReadObject(value)
		case "state":
			s.State = value
		}
	})
	return s, ok
}

func readNode(raw json.RawMessage) Node {
	var node Node
	split(raw, '{', func(key string, value json.RawMessage) {
		switch key {
		case "roles":
			node.Roles, _ = ReadObject(value)
		case "vars":
			node.Vars, _ = ReadObject(value)
		}
	})
	return node
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
	instances := int64(1) // what the contract means by a placement that does not say
	split(vars, '{', func(key string, value json.RawMessage) {
		if key == "instances" {
			instances, _ = Whole(value)
		}
	})
	return int(instances)
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
