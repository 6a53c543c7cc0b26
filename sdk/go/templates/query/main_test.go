package main

import "testing"

const schedule = `{"nodes":{"a":{"roles":{"web":{"instances":2}}},"b":{"roles":{"web":{"instances":1}}}},"roles":{"idle":{},"web":{}}}`

func check(t *testing.T, path, schedule, want string) {
	t.Helper()
	got, err := plugin.Run([]byte(`{"v":1,"path":"` + path + `","schedule":` + schedule + `}`))
	if err != nil {
		got = []byte("error: " + err.Error())
	}
	if string(got) != want {
		t.Errorf("%s\n got %s\nwant %s", path, got, want)
	}
}

func TestRole(t *testing.T) {
	check(t, "roles/web", schedule, `{"role":"web","nodes":{"a":2,"b":1}}`)
	check(t, "roles/idle", schedule, `{"role":"idle","nodes":{}}`)
	check(t, "roles/db", schedule, "error: no role db in the schedule")
	check(t, "roles/web", "null", "error: no schedule is in force")
}

func TestPath(t *testing.T) {
	for _, path := range []string{"", "roles", "roles/", "roles/web/x", "role/web"} {
		check(t, path, schedule, "error: no such path: "+path+"; ask roles/ROLE")
	}
}

func TestRenderRolesLeavesThemToTheSchedule(t *testing.T) {
	got, err := plugin.RunRenderRoles([]byte(`{"v":1,"schedule":` + schedule + `}`))
	if err != nil || string(got) != "null" {
		t.Errorf("%s, %v", got, err)
	}
}
