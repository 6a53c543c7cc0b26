package main

import "testing"

const (
	twoWebs = `{"nodes":{"a":{"roles":{"web":{"instances":2}}}},"roles":{"web":{}}}`
	nothing = `{"nodes":{},"roles":{}}`
)

func check(t *testing.T, config, schedule, previous, diff, want string) {
	t.Helper()
	got, err := plugin.Run([]byte(`{"v":1,"config":` + config + `,"schedule":` + schedule + `,"previous":` + previous + `,"diff":` + diff + `}`))
	if err != nil {
		got = []byte("error: " + err.Error())
	}
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestAllow(t *testing.T) {
	check(t, `{"most":{"web":2},"protected":["web"]}`, twoWebs, "null", "{}", `{"v":1,"verdict":"allow"}`)
}

func TestTooMany(t *testing.T) {
	check(t, `{"most":{"web":1}}`, twoWebs, "null", "{}",
		`{"reasons":["web: 2 instances, at most 1 may be"],"v":1,"verdict":"deny"}`)
}

func TestProtected(t *testing.T) {
	check(t, `{"protected":["web"]}`, nothing, twoWebs, "{}",
		`{"reasons":["web: protected, and would be gone"],"v":1,"verdict":"deny"}`)
}

func TestMoved(t *testing.T) {
	check(t, `{}`, twoWebs, twoWebs, `{"moved":{"web":1,"api":2}}`,
		`{"v":1,"verdict":"allow","warnings":["api: 2 moved","web: 1 moved"]}`)
}

func TestConfig(t *testing.T) {
	for config, want := range map[string]string{
		`{"least":1}`:         "error: config: unknown key least, expected most or protected",
		`{"most":{"web":-1}}`: "error: config: most must be a mapping of roles to whole numbers",
		`{"protected":"web"}`: "error: config: protected must be a list of texts",
	} {
		check(t, config, nothing, "null", "{}", want)
	}
}
