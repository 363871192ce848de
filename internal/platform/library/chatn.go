package library

import (
	"context"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// ChatN starts n answers to one conversation, whose prompt is read once; see
// llm.Model.ChatN. Each answer is held to what the request asks for by itself.
func (l *Lease) ChatN(ctx context.Context, r *chat.Request, o llm.Options, n int) ([]*llm.Answer, error) {
	if n == 1 {
		a, err := l.Chat(ctx, r, o)
		if err != nil {
			return nil, err
		}
		return []*llm.Answer{a}, nil
	}
	o.Constrain = func(*chat.Prompt) (engine.Mask, error) { return l.constrain(r) }
	all, err := l.llm.ChatN(ctx, r, o, n)
	return all, promptError(err)
}
