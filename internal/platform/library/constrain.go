package library

import (
	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/shape"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// constrain returns the mask that forces an answer into the shape that the
// request asks for, or nil if it asks for none.
func (l *Lease) constrain(r *chat.Request) (engine.Mask, error) {
	f := l.llm.Format()
	if f == nil {
		return nil, nil // Chat says so
	}
	if asked, err := shape.Check(f.Info(), r); err != nil || !asked {
		return nil, err
	}
	p, _, err := l.llm.Render(r)
	if err != nil {
		return nil, promptError(err)
	}
	return l.shapes.Mask(f.Info(), r, p)
}
