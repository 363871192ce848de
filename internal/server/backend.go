package server

import (
	"context"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// Backend is what the APIs need of the models: a library.Manager, or a fake.
//
// A request takes a lease, calls its Chat (a chat.Request goes in, chat.Events
// come out), and releases it when the answer has been sent. Wire types of an API
// never come as far as this.
type Backend interface {
	// Acquire returns a lease on a model by name or alias. It loads the model
	// first if need be; waiting for that ends with ctx.
	Acquire(ctx context.Context, name string) (*library.Lease, error)
	// Info describes a model without loading it.
	Info(name string) (library.Info, error)
	// List describes all models.
	List() []library.Info
	// Running describes the loaded ones.
	Running() []library.Info
	// Unload frees a model if nobody uses it, and reports whether it is gone.
	Unload(name string) (bool, error)
}

var _ Backend = (*library.Manager)(nil)
