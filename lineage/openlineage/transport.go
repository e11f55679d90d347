package openlineage

import (
	"context"
	"fmt"
)

// A Transport carries events to where they go.
type Transport interface {
	// Name tells it from the others; it is the same for the same place, and holds no secret.
	Name() string
	// Send returns when the events have arrived for good. A *Refused says that to try again would
	// not help.
	Send(ctx context.Context, events [][]byte) error
}

// Refused is the answer of a server that will not take an event, however often it is sent.
type Refused struct {
	Status int
	Reason string
	// Event is the place of the one it refused.
	Event int
}

func (e *Refused) Error() string { return fmt.Sprintf("HTTP status %d: %s", e.Status, e.Reason) }
