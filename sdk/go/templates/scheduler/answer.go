package main

import (
	"fmt"

	"verwalter/scheduler"
)

// tell puts a role, its placements and why they stand where they stand into the answer.
func tell(answer *scheduler.Answer, role role, before, after []int) {
	told := answer.Role(role.name)
	for _, key := range role.vars.Keys() {
		told.Set(key, role.vars[key])
	}
	if role.template != nil {
		told.Set("template", role.template)
	}
	for peer, instances := range after {
		if instances > 0 {
			told.Place(peer, instances).Why(reason(before[peer], instances))
		}
	}
}

func reason(before, after int) string {
	switch {
	case before == 0:
		return "new"
	case after <= before:
		return "kept"
	}
	return fmt.Sprintf("%d kept, %d new", before, after-before)
}
