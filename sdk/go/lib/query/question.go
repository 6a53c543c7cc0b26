package query

import (
	"encoding/json"

	"verwalter"
	"verwalter/internal/plugin"
)

// Question is one request to /v1/query/PATH.
type Question struct {
	// NowMS is the time in milliseconds since the Unix epoch: the only clock.
	NowMS int64
	// Path is what follows /v1/query/, decoded; Method is GET or POST.
	Path, Method string
	// Query are the parameters of the URL, decoded.
	Query map[string]string
	// Body is the request's JSON; null where there was none.
	Body json.RawMessage
	// Hostname is the node that was asked.
	Hostname string
	// Config is the manifest's config.
	Config verwalter.Object
	// Schedule is the one in force there; nil where there is none.
	Schedule *verwalter.Schedule
	// ScheduleDigest is its digest, sha256:…; "" where there is none.
	ScheduleDigest string
	// SinceMS is when it came into force there, in milliseconds since the Unix epoch; 0 where there is none.
	SinceMS int64
}

// ReadQuestion reads a request document.
func ReadQuestion(text []byte) (*Question, error) {
	in := &Question{}
	document := plugin.ReadDocument(text)
	document.Read("now", &in.NowMS)
	document.Read("path", &in.Path)
	document.Read("method", &in.Method)
	document.Read("query", &in.Query)
	document.Read("body", &in.Body)
	document.Read("hostname", &in.Hostname)
	document.Read("config", &in.Config)
	document.Read("schedule", &in.Schedule)
	document.Read("schedule_digest", &in.ScheduleDigest)
	document.Read("since", &in.SinceMS)
	return in, document.Err
}
