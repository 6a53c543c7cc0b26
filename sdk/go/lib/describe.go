package verwalter

// Input says how a scheduler or a policy is told about the peers. The manifest's `input` wins over it.
type Input string

const (
	// Columns leaves the peers and metrics out of the document: [Peers] asks the host for what is read, which at thousands of
	// peers costs a fraction. The default.
	Columns Input = "columns"
	// Document puts them into the document, if the plugin's Reads name them.
	Document Input = "document"
)

// Part is a part of the input document that is left out unless the plugin reads it.
type Part string

// The parts of the document. Parents and Actions are a scheduler's only; PeerRows and Metrics matter with the input [Document] only.
const (
	Runtime  Part = "runtime"
	Parents  Part = "parents"
	Actions  Part = "actions"
	PeerRows Part = "peers"
	Metrics  Part = "metrics"
)
