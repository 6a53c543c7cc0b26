package main

import (
	"math"
	"slices"
	"testing"

	"verwalter/hosttest"
)

// three peers: beta is the least busy, alpha the busiest.
func three() *hosttest.Host {
	return &hosttest.Host{
		Hostnames: []string{"alpha", "beta", "gamma"},
		Columns:   map[string][]float64{"cpu": {0.7, 0.1, 0.4}},
	}
}

func check(t *testing.T, host *hosttest.Host, document, want string) {
	t.Helper()
	hosttest.Use(t, host)
	got, err := plugin.Run([]byte(document))
	if err != nil {
		got = []byte("error: " + err.Error())
	}
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestFirstRound(t *testing.T) {
	host := three()
	check(t, host, `{"v":1,"config":{},"runtime":{"web":{"instances":2,"template":"web/v1","vars":{"port":80}}}}`,
		`{"v":1,"schedule":{"roles":{"web":{"port":80,"template":"web/v1","place":{"beta":1,"gamma":1}}}},`+
			`"why":{"web":{"beta":"new","gamma":"new"}}}`)
	if want := []string{"info web: 2 placed"}; !slices.Equal(host.Lines, want) {
		t.Errorf("logged %q, want %q", host.Lines, want)
	}
}

func TestWhatStandsStays(t *testing.T) {
	host := three()
	host.Columns["placed.web"] = []float64{1, 0, 0}
	check(t, host, `{"v":1,"config":{},"runtime":{"web":{"instances":4}}}`,
		`{"v":1,"schedule":{"roles":{"web":{"place":{"alpha":1,"beta":2,"gamma":1}}}},`+
			`"why":{"web":{"alpha":"kept","beta":"new","gamma":"new"}}}`)
}

func TestTooBusy(t *testing.T) {
	host := three()
	host.Columns["cpu"] = []float64{0.7, math.NaN(), 0.6}
	check(t, host, `{"v":1,"config":{"max_busy":0.5},"runtime":{"web":{"instances":1}}}`,
		`{"v":1,"schedule":{"roles":{"web":{"place":{}}}}}`)
	if want := []string{"warn web: 0 placed, 1 missing"}; !slices.Equal(host.Lines, want) {
		t.Errorf("logged %q, want %q", host.Lines, want)
	}
}

func TestErrors(t *testing.T) {
	for document, want := range map[string]string{
		`{"v":1,"config":{"busy":1}}`:                                               "error: config: unknown key busy, expected max_busy",
		`{"v":1,"config":{"max_busy":2}}`:                                           "error: config: max_busy must be a number above 0 and at most 1",
		`{"v":1,"runtime":{"Web":{}}}`:                                              "error: runtime: Web is no role name",
		`{"v":1,"runtime":{"web":[]}}`:                                              "error: runtime: web must be a mapping",
		`{"v":1,"runtime":{"web":{"Instances":1}}}`:                                 "error: runtime: web.instances must be a whole number from 0 to 1000000",
		`{"v":1,"runtime":{"web":{"instances":1,"template":1}}}`:                    "error: runtime: web.template must be a text",
		`{"v":1,"runtime":{"web":{"instances":1,"vars":{"place":1,"template":1}}}}`: "error: runtime: web.vars.place is reserved",
	} {
		check(t, three(), document, want)
	}
}

func TestNoColumn(t *testing.T) {
	check(t, &hosttest.Host{Hostnames: []string{"alpha"}}, `{"v":1,"runtime":{"web":{"instances":1}}}`,
		"error: no column cpu: declare it under metrics in the manifest")
}
