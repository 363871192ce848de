package llm

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// TestAPrefillIsNeverLost: a conversation is asked, its reader goes away while the
// prompt is read, and the same is asked again, by two at once: the prompt is
// computed once.
func TestAPrefillIsNeverLost(t *testing.T) {
	m, fake := saying(t, chatML, "ok", 2*time.Millisecond)
	question := ask(strings.Repeat("a long question ", 150))
	question.Messages = append([]chat.Message{{Role: chat.System, Content: chat.Text("Be brief.")}}, question.Messages...)
	o := greedy()
	o.KeepPrefill, o.MaxTokens = true, 3
	ctx, cancel := context.WithCancel(context.Background())
	gone, err := m.Chat(ctx, question, o)
	if err != nil {
		t.Fatal(err)
	}
	for gone.Status().PromptDone == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if r := collect(gone); r.done.Reason != chat.FinishCanceled {
		t.Errorf("the first ended with %+v", r.done)
	}
	n := len(gone.Prompt())
	again, third := start(t, m, question, o), start(t, m, question, o)
	a, b := collect(again), collect(third)
	if a.usage.CachedTokens != n-1 || b.usage.CachedTokens != n-1 {
		t.Errorf("of a prompt of %d tokens: %+v and %+v", n, a.usage, b.usage)
	}
	if rows := fake.Rows.Load(); rows > int64(n+10) {
		t.Errorf("%d rows computed for a prompt of %d tokens", rows, n)
	}
}
