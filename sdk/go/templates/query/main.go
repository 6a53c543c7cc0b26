// Sample-query answers roles/ROLE: on which nodes a role stands.
package main

import "verwalter/query"

var plugin = query.Plugin{
	Name:    "sample-query",
	Version: "0.1.0",
	Query:   answer,
	// Without RenderRoles each node renders what the schedule says.
}

func init() { query.Register(plugin) }

// main is never called: the host calls what the SDK exports.
func main() {}
