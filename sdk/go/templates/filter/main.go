// Sample-filter has three helpers for templates: slug, truncate and pick.
package main

import "verwalter/filter"

var plugin = filter.Plugin{
	Name:    "sample-filter",
	Version: "0.1.0",
	Filters: []filter.Filter{
		{Name: "slug", Args: []string{"text"}, Apply: slug},
		{Name: "truncate", Args: []string{"text", "length", "end"}, Apply: truncate},
		{Name: "pick", Args: []string{"value", "path", "default"}, Apply: pick},
	},
}

func init() { filter.Register(plugin) }

// main is never called: the host calls what the SDK exports.
func main() {}
