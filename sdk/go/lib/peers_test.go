package verwalter

import (
	"math"
	"slices"
	"testing"
)

func TestPeersOfADocument(t *testing.T) {
	document, _ := ReadObject([]byte(`{
		"peers": {"b": {"id": "2", "machine": {"rack": "r1", "disk": {"ssd": true, "gib": 1.5}}}, "a": {"id": "1", "machine": {"rack": ["x"]}}},
		"metrics": {"cpu": [null, 0.25], "bad": 3}}`))
	peers := NewPeers(document)
	for name, want := range map[string][]string{
		"hostname": {"a", "b"}, "id": {"1", "2"}, "rack": {"", "r1"}, "disk.ssd": {"", "true"}, "disk.gib": {"", "1.5"}, "disk": {"", ""}, "no": {"", ""},
	} {
		got := peers.Attribute(name)
		if name == "hostname" {
			got = peers.Hostnames()
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	cpu, err := peers.RequiredColumn("cpu")
	if err != nil || len(cpu) != 2 || !math.IsNaN(cpu[0]) || cpu[1] != 0.25 {
		t.Errorf("%v, %v", cpu, err)
	}
	if _, ok := peers.Column("bad"); ok {
		t.Error("a number is no column")
	}
	if _, err := peers.RequiredColumn("load"); err == nil || err.Error() != "no column load: declare it under metrics in the manifest" {
		t.Error(err)
	}
	if peer, ok := peers.Find("b"); peer != 1 || !ok {
		t.Error(peer, ok)
	}
}
