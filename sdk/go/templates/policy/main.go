// Sample-policy keeps a schedule to a budget: at most so many instances of a role, and protected roles never gone.
package main

import (
	"maps"
	"slices"

	"verwalter/log"
	"verwalter/policy"
)

var plugin = policy.Plugin{
	Name:        "sample-policy",
	Version:     "0.1.0",
	Review:      review,
	CheckConfig: checkConfig,
}

func init() { policy.Register(plugin) }

// main is never called: the host calls what the SDK exports.
func main() {}

func review(in *policy.Input) (*policy.Verdict, error) {
	config, err := readConfig(in.Config)
	if err != nil {
		return nil, err
	}
	verdict := policy.Allow()
	for _, role := range slices.Sorted(maps.Keys(config.most)) {
		if instances := in.Schedule.Total(role); instances > config.most[role] {
			verdict.Denyf("%s: %d instances, at most %d may be", role, instances, config.most[role])
		}
	}
	for _, role := range config.protected {
		if in.Previous != nil && in.Previous.Total(role) > 0 && in.Schedule.Total(role) == 0 {
			verdict.Denyf("%s: protected, and would be gone", role)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(in.Diff.Moved)) {
		verdict.Warnf("%s: %d moved", role, in.Diff.Moved[role])
	}
	if verdict.Denied() {
		log.Infof("deny")
	} else {
		log.Infof("allow")
	}
	return verdict, nil
}
