package scheduler

import (
	"math"
	"testing"

	"verwalter/hosttest"
)

func check(t *testing.T, schedule func(in *Input, answer *Answer), want string) {
	t.Helper()
	hosttest.Use(t, &hosttest.Host{Hostnames: []string{"a", "b"}})
	plugin := Plugin{Schedule: func(in *Input) (*Answer, error) {
		answer := in.Answer()
		schedule(in, answer)
		return answer, nil
	}}
	got, err := plugin.Run([]byte(`{"v":1}`))
	if err != nil {
		got = []byte("error: " + err.Error())
	}
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestEveryPartOfAnAnswer(t *testing.T) {
	check(t, func(_ *Input, answer *Answer) {}, `{"v":1,"schedule":{"roles":{}}}`)
	check(t, func(_ *Input, answer *Answer) {
		answer.Set("z", 1).Set("a", []string{"<"}).SetOn(1, "rack", nil).Keep(map[string]int{"seen": 3})
		answer.Act("a1", "done").Changef("%d moved", 2).Logf("one").Logf("two")
		web := answer.Role("web").Set("template", "web/v1")
		web.Place(1, 9).Why("replaced")
		web.Place(0, 2).Set("port", 80).Why(`"why"`)
		web.Place(1, 3)
		answer.Role("idle")
		answer.Role("web").Set("x", true)
	}, `{"v":1,"schedule":{"roles":{"idle":{"place":{}},"web":{"template":"web/v1","x":true,"place":{"a":{"instances":2,"port":80},"b":3}}},`+
		`"vars":{"a":["<"],"z":1},"nodes":{"b":{"vars":{"rack":null}}},"state":{"seen":3}},"actions":{"a1":"done"},`+
		`"why":{"web":{"a":"\"why\""}},"changes":["2 moved"],"log":"one\ntwo"}`)
}

func TestWhatTheHostWouldRefuse(t *testing.T) {
	for want, mistake := range map[string]func(answer *Answer){
		"error: Web is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes":                                                   func(a *Answer) { a.Role("Web").Place(0, 1) },
		"error: web: there is no peer 2, the input has 2":                                                                   func(a *Answer) { a.Role("web").Place(2, 1).Set("x", 1) },
		"error: vars: there is no peer -1, the input has 2":                                                                 func(a *Answer) { a.SetOn(-1, "x", 1) },
		"error: web: 0 instances on one node, 1 to 1000000 may be":                                                          func(a *Answer) { a.Role("web").Place(0, 0) },
		"error: web: the variable place is the contract's own, use Place":                                                   func(a *Answer) { a.Role("web").Set("place", 1) },
		"error: web: the variable instances is the contract's own, use Place":                                               func(a *Answer) { a.Role("web").Place(0, 1).Set("instances", 2) },
		"error: the value of vars.x: json: unsupported value: NaN":                                                          func(a *Answer) { a.Set("x", math.NaN()) },
		"error: the value of state: 9007199254740993: a whole number beyond ±2^53 does not survive JSON, pass it as a text": func(a *Answer) { a.Keep(int64(1<<53 + 1)).Role("?") },
	} {
		check(t, func(_ *Input, answer *Answer) { mistake(answer) }, want)
	}
}

func TestDocument(t *testing.T) {
	for text, want := range map[string]string{
		"[]":                "the input document: it is no JSON object",
		`{"v":2}`:           "the input document: version 2 is not spoken here, only 1: build the plugin with a newer SDK",
		`{"v":1,"now":"x"}`: "now of the input document: json: cannot unmarshal string into Go value of type int64",
	} {
		if _, err := ReadInput([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestPlacedByParents(t *testing.T) {
	hosttest.Use(t, &hosttest.Host{Hostnames: []string{"a", "b"}})
	in, err := ReadInput([]byte(`{"v":1,"parents":[{"nodes":{"a":{"roles":{"web":{"instances":2}}},"gone":{"roles":{"web":{"instances":7}}}}},
		{"nodes":{"a":{"roles":{"web":{"instances":1}}},"b":{"roles":{"web":{}}}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if placed := in.Placed("web"); placed[0] != 2 || placed[1] != 1 {
		t.Error(placed)
	}
}
