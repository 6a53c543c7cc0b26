package main

import (
	"errors"
	"fmt"
	"strings"

	"verwalter/query"
)

// placements is the answer to roles/ROLE.
type placements struct {
	Role string `json:"role"`
	// Nodes are the hosts that have any instances, and how many.
	Nodes map[string]int `json:"nodes"`
}

func answer(in *query.Question) (any, error) {
	role, found := strings.CutPrefix(in.Path, "roles/")
	if !found || role == "" || strings.Contains(role, "/") {
		return nil, fmt.Errorf("no such path: %s; ask roles/ROLE", in.Path)
	}
	if in.Schedule == nil {
		return nil, errors.New("no schedule is in force")
	}
	if !in.Schedule.Has(role) {
		return nil, fmt.Errorf("no role %s in the schedule", role)
	}
	nodes := map[string]int{}
	for _, host := range in.Schedule.Hosts() {
		if instances := in.Schedule.Instances(host, role); instances > 0 {
			nodes[host] = instances
		}
	}
	return placements{Role: role, Nodes: nodes}, nil
}
