package plugin

import (
	"encoding/json"
	"errors"
	"fmt"

	"verwalter"
)

// version is the contract's that this SDK speaks.
const version = 1

// Document reads an input document. Err is its first error; nothing is read after it.
type Document struct {
	Members verwalter.Object
	Err     error
}

// ReadDocument splits an input document of the version that this SDK speaks into its members.
func ReadDocument(text []byte) *Document {
	members, ok := verwalter.ReadObject(text)
	if !ok || !json.Valid(text) {
		return &Document{Err: errors.New("the input document: it is no JSON object")}
	}
	if v, ok := verwalter.Whole(members["v"]); !ok || v != version {
		return &Document{Err: fmt.Errorf("the input document: version %s is not spoken here, only %d: build the plugin with a newer SDK",
			members["v"], version)}
	}
	return &Document{Members: members}
}

// Read reads the member key into a value of Go; an absent one leaves it as it is. Large parts are split, not decoded.
func (d *Document) Read(key string, into any) {
	raw, ok := d.Members[key]
	if d.Err != nil || !ok {
		return
	}
	switch into := into.(type) {
	case *verwalter.Object:
		*into, ok = verwalter.ReadObject(raw)
	case **verwalter.Schedule:
		*into, ok = verwalter.ReadSchedule(raw)
		if !ok {
			*into, ok = nil, string(raw) == "null"
		}
	default:
		if err := json.Unmarshal(raw, into); err != nil {
			d.Err = fmt.Errorf("%s of the input document: %w", key, err)
		}
	}
	if !ok {
		d.Err = fmt.Errorf("%s of the input document: it is no JSON object", key)
	}
}

// Schedules reads the member key, a list of schedules.
func (d *Document) Schedules(key string) []*verwalter.Schedule {
	var schedules []*verwalter.Schedule
	items, _ := verwalter.ReadList(d.Members[key])
	for _, raw := range items {
		if schedule, ok := verwalter.ReadSchedule(raw); ok {
			schedules = append(schedules, schedule)
		}
	}
	return schedules
}
