package scheduler

import (
	"encoding/json"
	"fmt"
	"strings"

	"verwalter"
	"verwalter/internal/abi"
)

// MaxInstances is the most instances of one role on one node.
const MaxInstances = 1_000_000

// Answer is a scheduler's answer in the making; [Input.Answer] begins one. It cannot become one that the host refuses for its form:
// the first mistake (a role's name that is none, a peer that is not there, a value that does not survive JSON) is kept, everything
// after it is ignored, and the call answers that error.
type Answer struct {
	peers   *verwalter.Peers
	vars    verwalter.Object
	roles   map[string]*Role
	nodes   map[string]verwalter.Object
	state   json.RawMessage
	actions verwalter.Object
	changes []string
	log     []string
	err     error
}

// Answer begins an answer to this input: an empty schedule.
func (in *Input) Answer() *Answer {
	return &Answer{
		peers: in.Peers, vars: verwalter.Object{}, roles: map[string]*Role{}, nodes: map[string]verwalter.Object{},
		actions: verwalter.Object{},
	}
}

// Set sets a variable of every role on every node: the most general level. value is anything that encoding/json takes, a
// [json.RawMessage] from the input too.
func (a *Answer) Set(key string, value any) *Answer {
	a.set(a.vars, "vars."+key, key, value)
	return a
}

// SetOn sets a variable of every role on peer: more specific than a role's, less than a placement's.
func (a *Answer) SetOn(peer int, key string, value any) *Answer {
	hostname, ok := a.hostname("vars", peer)
	if !ok {
		return a
	}
	if a.nodes[hostname] == nil {
		a.nodes[hostname] = verwalter.Object{}
	}
	a.set(a.nodes[hostname], hostname+"."+key, key, value)
	return a
}

// Role is the role called name, new or begun before. A role without placements is in the schedule too.
func (a *Answer) Role(name string) *Role {
	if role, ok := a.roles[name]; ok {
		return role
	}
	role := &Role{answer: a, name: name, vars: verwalter.Object{}, places: map[string]*Place{}}
	if !verwalter.IsRoleName(name) {
		a.fail("%s is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes", name)
		return role
	}
	a.roles[name] = role
	return role
}

// Keep keeps something for the next decision, which finds it as its parent's State. It is part of the schedule: when it changes, a
// new schedule comes into force.
func (a *Answer) Keep(state any) *Answer {
	a.state = a.json("state", state)
	return a
}

// Act answers the operators' action id: what is answered is no longer pending.
func (a *Answer) Act(id string, value any) *Answer {
	a.set(a.actions, "actions."+id, id, value)
	return a
}

// Changef adds a line about what changed, for people; outside the schedule's digest.
func (a *Answer) Changef(format string, args ...any) *Answer {
	a.changes = append(a.changes, fmt.Sprintf(format, args...))
	return a
}

// Logf adds a line to the text for the author, which the host shows beside the decision.
func (a *Answer) Logf(format string, args ...any) *Answer {
	a.log = append(a.log, fmt.Sprintf(format, args...))
	return a
}

// Role is one role of an answer in the making.
type Role struct {
	answer *Answer
	name   string
	vars   verwalter.Object
	places map[string]*Place
}

// Set sets a variable of this role on every node; as [Answer.Set]. `template`, written ROLE/VERSION, names what the nodes render.
// `place` is no variable: use Place.
func (r *Role) Set(key string, value any) *Role {
	if key == "place" {
		r.answer.fail("%s: the variable place is the contract's own, use Place", r.name)
		return r
	}
	r.answer.set(r.vars, r.name+"."+key, key, value)
	return r
}

// Place puts instances, 1 to [MaxInstances], on peer. A second call for the same peer replaces the first.
func (r *Role) Place(peer, instances int) *Place {
	place := &Place{role: r, instances: instances, vars: verwalter.Object{}}
	hostname, ok := r.answer.hostname(r.name, peer)
	if !ok {
		return place
	}
	if instances < 1 || instances > MaxInstances {
		r.answer.fail("%s: %d instances on %s, 1 to %d may be", r.name, instances, hostname, MaxInstances)
		return place
	}
	place.hostname = hostname
	r.places[hostname] = place
	return place
}

// Place is one role on one peer.
type Place struct {
	role      *Role
	hostname  string
	instances int
	vars      verwalter.Object
	why       string
}

// Set sets a variable of this role on this node: the most specific level; as [Answer.Set]. `instances` is set already.
func (p *Place) Set(key string, value any) *Place {
	if key == "instances" {
		p.role.answer.fail("%s on %s: the variable instances is the contract's own, use Place", p.role.name, p.hostname)
		return p
	}
	p.role.answer.set(p.vars, p.role.name+"."+p.hostname+"."+key, key, value)
	return p
}

// Why says why it stands here: a short text for people, shown by `verwalter why` and outside the schedule's digest.
func (p *Place) Why(format string, args ...any) *Place {
	p.why = fmt.Sprintf(format, args...)
	return p
}

// document is the whole answer; maps are written by their keys, ascending.
func (a *Answer) document() map[string]any {
	roles := map[string]map[string]any{}
	why := map[string]map[string]string{}
	for name, role := range a.roles {
		place := map[string]any{}
		reasons := map[string]string{}
		for hostname, p := range role.places {
			place[hostname] = p.value()
			if p.why != "" {
				reasons[hostname] = p.why
			}
		}
		roles[name] = widen(role.vars)
		roles[name]["place"] = place
		if len(reasons) > 0 {
			why[name] = reasons
		}
	}
	schedule := map[string]any{"roles": roles}
	if len(a.vars) > 0 {
		schedule["vars"] = a.vars
	}
	if len(a.nodes) > 0 {
		nodes := map[string]any{}
		for hostname, vars := range a.nodes {
			nodes[hostname] = map[string]any{"vars": vars}
		}
		schedule["nodes"] = nodes
	}
	if a.state != nil {
		schedule["state"] = a.state
	}
	document := map[string]any{"v": 1, "schedule": schedule}
	if len(a.actions) > 0 {
		document["actions"] = a.actions
	}
	if len(why) > 0 {
		document["why"] = why
	}
	if len(a.changes) > 0 {
		document["changes"] = a.changes
	}
	if len(a.log) > 0 {
		document["log"] = strings.Join(a.log, "\n")
	}
	return document
}

// value is the shorter of the two ways to write a placement.
func (p *Place) value() any {
	if len(p.vars) == 0 {
		return p.instances
	}
	vars := widen(p.vars)
	vars["instances"] = p.instances
	return vars
}

func widen(vars verwalter.Object) map[string]any {
	wide := make(map[string]any, len(vars)+1)
	for key, value := range vars {
		wide[key] = value
	}
	return wide
}

func (a *Answer) hostname(subject string, peer int) (string, bool) {
	if peer < 0 || peer >= a.peers.Len() {
		a.fail("%s: there is no peer %d, the input has %d", subject, peer, a.peers.Len())
		return "", false
	}
	return a.peers.Hostname(peer), true
}

func (a *Answer) set(vars verwalter.Object, subject, key string, value any) {
	if raw := a.json(subject, value); raw != nil {
		vars[key] = raw
	}
}

// json is value's JSON text; nil where it does not survive.
func (a *Answer) json(subject string, value any) json.RawMessage {
	text, err := abi.JSON(value)
	if err == nil {
		err = abi.CheckNumbers(text)
	}
	if err != nil {
		a.fail("the value of %s: %w", subject, err)
		return nil
	}
	return json.RawMessage(text)
}

// fail keeps the first mistake.
func (a *Answer) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}
