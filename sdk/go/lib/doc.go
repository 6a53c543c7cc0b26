// Package verwalter is what every plugin reads: JSON values, the peers and their columns, schedules.
//
// A plugin is made with the package of its kind: [verwalter/scheduler], [verwalter/policy], [verwalter/filter] or
// [verwalter/query]. They export what the host calls; [verwalter/log] writes lines for people, and [verwalter/hosttest] stands in
// for the host in unit tests.
//
// # Determinism
//
// The same plugin, configuration and input must give the same bytes on every node. Go's maps are walked in a random order: walk
// [Object.Keys] and [Schedule.Hosts] instead. What this package returns, and what the packages above write, is in a fixed order.
package verwalter
