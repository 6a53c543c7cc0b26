package scheduler

import (
	"cmp"
	"slices"
	"strconv"

	"verwalter"
	"verwalter/internal/jsonout"
)

// Place is one role on one peer.
type Place struct {
	role      *Role
	peer      int
	instances int
	vars      verwalter.Object
	why       string
}

// Set sets a variable of this role on this node: the most specific level; as [Answer.Set]. `instances` is set already.
func (p *Place) Set(key string, value any) *Place {
	if key == "instances" {
		p.role.answer.fail("%s: the variable instances is the contract's own, use Place", p.role.name)
		return p
	}
	if p.vars == nil {
		p.vars = verwalter.Object{} // most placements have none
	}
	p.role.answer.set(p.vars, p.role.name+"."+key, key, value)
	return p
}

// Why says why it stands here: a short text for people, shown by `verwalter why` and outside the schedule's digest.
func (p *Place) Why(text string) *Place {
	p.why = text
	return p
}

// inOrder returns the placements by peer, of several on one peer the last. Cheapest if they were made in that order.
func inOrder(places []*Place) []*Place {
	byPeer := func(a, b *Place) int { return cmp.Compare(a.peer, b.peer) }
	if !slices.IsSortedFunc(places, byPeer) {
		slices.SortStableFunc(places, byPeer)
	}
	kept := places[:0]
	for i, place := range places {
		if i+1 == len(places) || places[i+1].peer != place.peer {
			kept = append(kept, place)
		}
	}
	return kept
}

// appendValue appends the shorter of the two ways to write a placement.
func (p *Place) appendValue(out []byte) []byte {
	if len(p.vars) == 0 {
		return strconv.AppendInt(out, int64(p.instances), 10)
	}
	p.vars["instances"] = strconv.AppendInt(nil, int64(p.instances), 10)
	return jsonout.AppendObject(out, p.vars)
}
