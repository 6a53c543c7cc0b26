package main

import (
	"errors"
	"fmt"

	"verwalter"
)

// config is the manifest's `config`; both parts may be left out.
type config struct {
	// most is how many instances of a role there may be, at most.
	most map[string]int
	// protected are roles that must not go altogether.
	protected []string
}

func readConfig(object verwalter.Object) (config, error) {
	read := config{most: map[string]int{}}
	for _, key := range object.Keys() {
		if key != "most" && key != "protected" {
			return read, fmt.Errorf("config: unknown key %s, expected most or protected", key)
		}
	}
	if raw, given := object["most"]; given {
		most, ok := verwalter.ReadObject(raw)
		for role, raw := range most {
			number, whole := verwalter.Whole(raw)
			ok = ok && whole && number >= 0
			read.most[role] = int(number)
		}
		if !ok {
			return read, errors.New("config: most must be a mapping of roles to whole numbers")
		}
	}
	if raw, given := object["protected"]; given {
		protected, ok := verwalter.ReadList(raw)
		for _, raw := range protected {
			role, text := verwalter.Text(raw)
			ok = ok && text
			read.protected = append(read.protected, role)
		}
		if !ok {
			return read, errors.New("config: protected must be a list of texts")
		}
	}
	return read, nil
}

func checkConfig(object verwalter.Object) error {
	_, err := readConfig(object)
	return err
}
