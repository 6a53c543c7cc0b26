package main

import (
	"testing"

	"verwalter/hosttest"
)

func check(t *testing.T, name, args, want string) {
	t.Helper()
	got, err := plugin.Run([]byte(`{"name":"` + name + `","args":` + args + `}`))
	if err != nil {
		got = []byte("error: " + err.Error())
	}
	if string(got) != want {
		t.Errorf("%s %s\n got %s\nwant %s", name, args, got, want)
	}
}

func TestSlug(t *testing.T) {
	check(t, "slug", `["Rack 7, Row B"]`, `"rack-7-row-b"`)
	check(t, "slug", `["Zürich – 東京"]`, `"z-rich"`)
	check(t, "slug", `["–"]`, `""`)
	check(t, "slug", `[7]`, "error: slug: argument 1 (`text`): expected a text, got the number 7")
}

func TestTruncate(t *testing.T) {
	host := &hosttest.Host{}
	hosttest.Use(t, host)
	check(t, "truncate", `["a long text",6]`, `"a lon…"`)
	if len(host.Lines) != 1 || host.Lines[0] != "debug truncate: 5 of 11 characters cut" {
		t.Errorf("logged %q", host.Lines)
	}
	check(t, "truncate", `["a long text","11"]`, `"a long text"`)
	check(t, "truncate", `["abcdef",{"length":4,"end":""}]`, `"abcd"`)
	check(t, "truncate", `["abcdef",2,"...."]`, `".."`)
	check(t, "truncate", `["abc",-1]`, "error: truncate: argument 2 (`length`): expected a whole number of at least 0, got the number -1")
}

func TestPick(t *testing.T) {
	check(t, "pick", `[{"a":{"b":[10,{"c":"x"}]}},"a.b.1.c"]`, `"x"`)
	check(t, "pick", `[{"a":{"b":[10,5e-324]}},"a.b.1"]`, `5e-324`)
	check(t, "pick", `[{"":{"":1}},"."]`, `1`)
	check(t, "pick", `["text",""]`, `"text"`)
	check(t, "pick", `[[1],"1",{"default":null}]`, `null`)
	check(t, "pick", `[[1],"-0"]`, "error: pick: nothing at `-0`")
	check(t, "pick", `[[1],"99999999999999999999"]`, "error: pick: nothing at `99999999999999999999`")
}
