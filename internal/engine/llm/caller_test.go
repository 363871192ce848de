package llm

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// TestCaller checks that a caller's answers are counted once each, with the
// prompt of siblings counted once, and that callers do not share a cache.
func TestCaller(t *testing.T) {
	m, _ := saying(t, chatML, "Salt.", 0)
	var used []chat.Usage
	as := func(name string) context.Context {
		return WithCaller(context.Background(), &Caller{Name: name, Used: func(u chat.Usage) { used = append(used, u) }})
	}
	run := func(ctx context.Context, n int) {
		t.Helper()
		all, err := m.ChatN(ctx, ask("Why is the sea salty, and the rivers are not?"), greedy(), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			for range a.Events() { // only its end counts
			}
		}
	}
	run(as("ann"), 1)
	run(as("ann"), 2)
	run(as("bob"), 1)
	if len(used) != 4 {
		t.Fatalf("%d reports: %+v", len(used), used)
	}
	first, again, sibling, stranger := used[0], used[1], used[2], used[3]
	if first.PromptTokens == 0 || first.CompletionTokens == 0 || first.CachedTokens != 0 {
		t.Errorf("first: %+v", first)
	}
	if again.CachedTokens == 0 || sibling.PromptTokens != 0 || sibling.CompletionTokens == 0 {
		t.Errorf("again: %+v %+v", again, sibling)
	}
	if diff := cmp.Diff(first, stranger); diff != "" {
		t.Errorf("another caller found the first one's prompt: %s", diff)
	}
}

func TestCallerKeys(t *testing.T) {
	f := func(a, ownA, b, ownB string) {
		t.Helper()
		if (&Caller{Name: a}).key(ownA) == (&Caller{Name: b}).key(ownB) {
			t.Errorf("%q %q and %q %q share a key", a, ownA, b, ownB)
		}
	}
	f("ann", "", "bob", "")
	f("ann", "bob", "bob", "ann")
	f("", "ann", "ann", "")
	f("", "ann\x00", "ann", "\x00")
	f("an", "n", "ann", "")
}
