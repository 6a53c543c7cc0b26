package main

import (
	"errors"
	"fmt"

	"verwalter"
)

// config is the manifest's `config`.
type config struct {
	// maxBusy is the busiest that a peer may be to get another instance: a share of its processors' time, above 0 and at most 1.
	maxBusy float64
}

func readConfig(object verwalter.Object) (config, error) {
	for _, key := range object.Keys() {
		if key != "max_busy" {
			return config{}, fmt.Errorf("config: unknown key %s, expected max_busy", key)
		}
	}
	raw, given := object["max_busy"]
	if !given {
		return config{maxBusy: 0.9}, nil
	}
	maxBusy, ok := verwalter.Number(raw)
	if !ok || maxBusy <= 0 || maxBusy > 1 {
		return config{}, errors.New("config: max_busy must be a number above 0 and at most 1")
	}
	return config{maxBusy: maxBusy}, nil
}

func checkConfig(object verwalter.Object) error {
	_, err := readConfig(object)
	return err
}
