package policy

import (
	"verwalter"
	"verwalter/internal/plugin"
)

// Input is what one review is told.
type Input struct {
	// NowMS is the round's time in milliseconds since the Unix epoch: the only clock.
	NowMS int64
	// Round counts the decisions within the term and Term the leaderships, both from 1.
	Round, Term int64
	// CurrentHost is the leader's hostname, CurrentID its id of 32 hexadecimal digits.
	CurrentHost, CurrentID string
	// Config is the policy's own: its manifest's config.
	Config verwalter.Object
	// Schedule is the one in question.
	Schedule *verwalter.Schedule
	// Previous is the one in force; nil before the first.
	Previous *verwalter.Schedule
	// Diff is what changes from Previous to Schedule.
	Diff Diff
	// Runtime is the operators' metadata: runtime/web.yaml is the key "web". Empty unless the plugin reads it.
	Runtime verwalter.Object
	// Peers are the nodes of this round; their columns `placed.ROLE` tell what Previous places.
	*verwalter.Peers
}

// Diff is the host's own count of what changes. Roles and hosts of which there is nothing to say are left out. Walk its maps by
// their sorted keys.
type Diff struct {
	// Added and Removed are how many more and how many fewer instances than before: role to hostname to number.
	Added, Removed map[string]map[string]int
	// Moved are the instances of a role that changed their node, of nodes that are still there.
	Moved map[string]int
	// Changed are the hosts that have as many instances of a role as before, with other variables.
	Changed map[string][]string
}

// ReadInput reads a review document.
func ReadInput(text []byte) (*Input, error) {
	in := &Input{Schedule: &verwalter.Schedule{}}
	document := plugin.ReadDocument(text)
	document.Read("now", &in.NowMS)
	document.Read("round", &in.Round)
	document.Read("term", &in.Term)
	document.Read("current_host", &in.CurrentHost)
	document.Read("current_id", &in.CurrentID)
	document.Read("config", &in.Config)
	document.Read("schedule", &in.Schedule)
	document.Read("previous", &in.Previous)
	document.Read("diff", &in.Diff)
	document.Read("runtime", &in.Runtime)
	in.Peers = verwalter.NewPeers(document.Members)
	return in, document.Err
}
