package filter

import "testing"

func check(t *testing.T, args, want string) {
	t.Helper()
	plugin := Plugin{Filters: []Filter{{Name: "f", Args: []string{"list", "count"}, Apply: func(args *Args) (any, error) {
		list, err := args.List("list")
		if err != nil {
			return nil, err
		}
		count, err := args.Whole("count")
		return []int64{int64(len(list)), count}, err
	}}}}
	got, err := plugin.Run([]byte(`{"name":"f","args":` + args + `}`))
	if err != nil {
		got = []byte(err.Error())
	}
	if string(got) != want {
		t.Errorf("%s\n got %s\nwant %s", args, got, want)
	}
}

func TestArgs(t *testing.T) {
	check(t, `[[1,2],3]`, `[2,3]`)
	check(t, `[[],"-4"]`, `[0,-4]`)
	check(t, `[[],{"count":5}]`, `[0,5]`)
	check(t, `{}`, "f: the arguments are no JSON array")
	check(t, `[]`, "f: argument 1 (`list`) is missing: expected a list")
	check(t, `[{"list":[]}]`, "f: argument 1 (`list`): expected a list, got a mapping of 1")
	check(t, `[[]]`, "f: argument 2 (`count`) is missing: expected a whole number")
	check(t, `[[],1.5]`, "f: argument 2 (`count`): expected a whole number, got the number 1.5")
	check(t, `[[],"four"]`, "f: argument 2 (`count`): expected a whole number, got the text \"four\"")
	check(t, `[[],null]`, "f: argument 2 (`count`): expected a whole number, got null")
	check(t, `[[],{"y":1,"x":2}]`, "f: there is no argument `x`; it takes list, count")
	check(t, `[[],1,{"list":2}]`, "f: argument 1 (`list`) is given twice, by position and by name")
	check(t, `[[],1,2,{"x":1}]`, "f: takes at most 2 arguments (list, count), got 3")
}

func TestNoSuchFilter(t *testing.T) {
	_, err := Plugin{Filters: []Filter{{Name: "a"}, {Name: "b"}}}.Run([]byte(`{"name":"c","args":[]}`))
	if err == nil || err.Error() != "there is no filter c; there are a, b" {
		t.Error(err)
	}
}
