package scheduler

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"verwalter"
	"verwalter/internal/jsonout"
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
	nodes   map[int]verwalter.Object
	state   json.RawMessage
	actions verwalter.Object
	changes []string
	log     []string
	err     error
}

// Answer begins an answer to this input: an empty schedule.
func (in *Input) Answer() *Answer {
	return &Answer{
		peers: in.Peers, vars: verwalter.Object{}, roles: map[string]*Role{}, nodes: map[int]verwalter.Object{},
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
	if !a.known("vars", peer) {
		return a
	}
	if a.nodes[peer] == nil {
		a.nodes[peer] = verwalter.Object{}
	}
	a.set(a.nodes[peer], "vars."+key, key, value)
	return a
}

// Role is the role called name, new or begun before. A role without placements is in the schedule too.
func (a *Answer) Role(name string) *Role {
	if role, ok := a.roles[name]; ok {
		return role
	}
	role := &Role{answer: a, name: name, vars: verwalter.Object{}}
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
	a.state = a.marshal("state", state)
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
	places []*Place
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
	place := &Place{role: r, peer: peer, instances: instances}
	if instances < 1 || instances > MaxInstances {
		r.answer.fail("%s: %d instances on one node, 1 to %d may be", r.name, instances, MaxInstances)
	} else if r.answer.known(r.name, peer) {
		r.places = append(r.places, place)
	}
	return place
}

// json is the whole answer.
func (a *Answer) json() []byte {
	names := slices.Sorted(maps.Keys(a.roles))
	for _, role := range a.roles {
		role.places = inOrder(role.places)
	}
	out := a.appendSchedule(append([]byte(nil), `{"v":1,"schedule":`...), names)
	if len(a.actions) > 0 {
		out = jsonout.AppendObject(jsonout.AppendKey(out, "actions"), a.actions)
	}
	out = a.appendWhy(out, names)
	if len(a.changes) > 0 {
		out = jsonout.AppendTexts(jsonout.AppendKey(out, "changes"), a.changes)
	}
	if len(a.log) > 0 {
		out = jsonout.AppendText(jsonout.AppendKey(out, "log"), strings.Join(a.log, "\n"))
	}
	return append(out, '}')
}

func (a *Answer) appendSchedule(out []byte, roles []string) []byte {
	out = append(out, `{"roles":{`...)
	for _, name := range roles {
		role := a.roles[name]
		out = append(jsonout.AppendKey(out, name), '{')
		for _, key := range role.vars.Keys() {
			out = append(jsonout.AppendKey(out, key), role.vars[key]...)
		}
		out = append(jsonout.AppendKey(out, "place"), '{')
		for _, place := range role.places {
			out = place.appendValue(jsonout.AppendKey(out, a.peers.Hostname(place.peer)))
		}
		out = append(out, "}}"...)
	}
	out = append(out, '}')
	if len(a.vars) > 0 {
		out = jsonout.AppendObject(jsonout.AppendKey(out, "vars"), a.vars)
	}
	if len(a.nodes) > 0 {
		out = append(jsonout.AppendKey(out, "nodes"), '{')
		for _, peer := range slices.Sorted(maps.Keys(a.nodes)) {
			out = append(jsonout.AppendKey(out, a.peers.Hostname(peer)), `{"vars":`...)
			out = append(jsonout.AppendObject(out, a.nodes[peer]), '}')
		}
		out = append(out, '}')
	}
	if a.state != nil {
		out = append(jsonout.AppendKey(out, "state"), a.state...)
	}
	return append(out, '}')
}

// appendWhy appends the reasons, role to hostname to text; nothing where none was given.
func (a *Answer) appendWhy(out []byte, roles []string) []byte {
	hasWhy := func(place *Place) bool { return place.why != "" }
	some := false
	for _, name := range roles {
		places := a.roles[name].places
		if !slices.ContainsFunc(places, hasWhy) {
			continue
		}
		if !some {
			out = append(jsonout.AppendKey(out, "why"), '{')
			some = true
		}
		out = append(jsonout.AppendKey(out, name), '{')
		for _, place := range places {
			if hasWhy(place) {
				out = jsonout.AppendText(jsonout.AppendKey(out, a.peers.Hostname(place.peer)), place.why)
			}
		}
		out = append(out, '}')
	}
	if some {
		out = append(out, '}')
	}
	return out
}

func (a *Answer) known(subject string, peer int) bool {
	if peer < 0 || peer >= a.peers.Len() {
		a.fail("%s: there is no peer %d, the input has %d", subject, peer, a.peers.Len())
		return false
	}
	return true
}

func (a *Answer) set(vars verwalter.Object, subject, key string, value any) {
	if raw := a.marshal(subject, value); raw != nil {
		vars[key] = raw
	}
}

// marshal is value's JSON text; nil where it does not survive.
func (a *Answer) marshal(subject string, value any) json.RawMessage {
	raw, err := jsonout.Marshal(value)
	if err != nil {
		a.fail("the value of %s: %w", subject, err)
		return nil
	}
	return raw
}

// fail keeps the first mistake.
func (a *Answer) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}
