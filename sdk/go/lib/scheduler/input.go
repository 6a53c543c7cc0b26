package scheduler

import (
	"verwalter"
	"verwalter/internal/plugin"
)

// Input is what one decision is told.
type Input struct {
	// NowMS is the round's time in milliseconds since the Unix epoch: the only clock.
	NowMS int64
	// Round counts the decisions within the term and Term the leaderships, both from 1.
	Round, Term int64
	// CurrentHost is the leader's hostname, CurrentID its id of 32 hexadecimal digits.
	CurrentHost, CurrentID string
	// Config is the manifest's config.
	Config verwalter.Object
	// Runtime is the operators' metadata: runtime/web.yaml is the key "web". Empty unless the plugin reads it, as are the next two.
	Runtime verwalter.Object
	// Parents are the schedules that this decision follows: none at first, one as a rule, several after a change of leaders.
	Parents []*verwalter.Schedule
	// Actions are the operators' pending actions, by id.
	Actions verwalter.Object
	// Peers are the nodes of this round.
	*verwalter.Peers
}

// ReadInput reads an input document.
func ReadInput(text []byte) (*Input, error) {
	in := &Input{}
	document := plugin.ReadDocument(text)
	document.Read("now", &in.NowMS)
	document.Read("round", &in.Round)
	document.Read("term", &in.Term)
	document.Read("current_host", &in.CurrentHost)
	document.Read("current_id", &in.CurrentID)
	document.Read("config", &in.Config)
	document.Read("runtime", &in.Runtime)
	in.Parents = document.Schedules("parents")
	document.Read("actions", &in.Actions)
	in.Peers = verwalter.NewPeers(document.Members)
	return in, document.Err
}

// Placed returns how many instances of role each peer has in the schedule that this decision follows. Of several parents, where
// the document has them, the greatest number counts, so that nothing moves only because the leader changed.
func (in *Input) Placed(role string) []int {
	placed := make([]int, in.Len())
	if column, ok := in.Column("placed." + role); ok {
		for peer, instances := range column {
			placed[peer] = int(instances)
		}
		return placed
	}
	for _, parent := range in.Parents {
		for peer, hostname := range in.Hostnames() {
			placed[peer] = max(placed[peer], parent.Instances(hostname, role))
		}
	}
	return placed
}
