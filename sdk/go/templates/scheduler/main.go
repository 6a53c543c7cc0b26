// Sample-scheduler places each role of the runtime metadata on the least busy peers, as evenly as it can, and leaves where it is
// what stands.
package main

import (
	"verwalter"
	"verwalter/log"
	"verwalter/scheduler"
)

var plugin = scheduler.Plugin{
	Name:        "sample-scheduler",
	Version:     "0.1.0",
	Reads:       []verwalter.Part{verwalter.Runtime},
	Schedule:    schedule,
	CheckConfig: checkConfig,
}

func init() { scheduler.Register(plugin) }

// main is never called: the host calls what the SDK exports.
func main() {}

func schedule(in *scheduler.Input) (*scheduler.Answer, error) {
	config, err := readConfig(in.Config)
	if err != nil {
		return nil, err
	}
	roles, err := readRoles(in.Runtime)
	if err != nil {
		return nil, err
	}
	answer := in.Answer()
	if len(roles) == 0 {
		return answer, nil
	}
	cpu, err := in.RequiredColumn("cpu")
	if err != nil {
		return nil, err
	}
	ranking := rank(cpu, config.maxBusy)
	for _, role := range roles {
		before := in.Placed(role.name)
		after, missing := ranking.decide(before, role.instances)
		tell(answer, role, before, after)
		if missing > 0 {
			log.Warnf("%s: %d placed, %d missing", role.name, role.instances-missing, missing)
		} else {
			log.Infof("%s: %d placed", role.name, role.instances)
		}
	}
	return answer, nil
}
