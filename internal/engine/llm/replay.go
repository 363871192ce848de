package llm

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// A conversation is a request as the ledger sees it.
type conversation struct {
	turns  []*turn             // by message; nil for those it does not know
	before [][sha256.Size]byte // by message: the fingerprint of all before it
	whole  [sha256.Size]byte   // the fingerprint of all
}

// read looks every message up. The fingerprints hold everything that shapes the
// prompt; a known answer counts by its id, whatever form it came in.
func (m *Model) read(r *chat.Request, o *Options) *conversation {
	c := &conversation{}
	h := sha256.New()
	put(h, r.Tools, m.shownChoice(r), r.Thinking, r.Effort, r.Output, r.Variables)
	for i := range r.Messages {
		msg := &r.Messages[i]
		t := m.ledger.of(o.Namespace, msg, o.Signatures[i])
		c.turns = append(c.turns, t)
		c.before = append(c.before, [sha256.Size]byte(h.Sum(nil)))
		if t != nil {
			put(h, "known", t.IDs)
		} else {
			put(h, msg)
		}
	}
	c.whole = [sha256.Size]byte(h.Sum(nil))
	return c
}

// shownChoice returns what of the tool choice a conversation shows to the model.
// Most formats show nothing: then a client may change it from turn to turn, as
// agents do, and the conversation is still the same.
func (m *Model) shownChoice(r *chat.Request) any {
	if len(r.Tools) == 0 || r.ToolChoice.Mode == chat.ToolAuto && r.ParallelCalls == nil {
		return nil
	}
	free := *r
	free.ToolChoice, free.ParallelCalls = chat.ToolChoice{}, nil
	if a, b := m.beginning(r), m.beginning(&free); a != "" && a == b {
		return nil
	}
	return []any{r.ToolChoice, r.ParallelCalls}
}

// beginning is what the format shows before a later question, for a request with
// other messages; empty if it cannot be shown.
func (m *Model) beginning(r *chat.Request) string {
	const question = "holdfast-question"
	q := *r
	q.Messages = []chat.Message{
		{Role: chat.User, Content: chat.Text("a")}, {Role: chat.Assistant, Content: chat.Text("b")}, {Role: chat.User, Content: chat.Text(question)},
	}
	p, err := m.format.Render(&q)
	if err != nil {
		return ""
	}
	before, _, found := strings.Cut(p.Text(), question)
	if !found {
		return ""
	}
	return before
}

// put hashes values, each with its length.
func put(h hash.Hash, values ...any) {
	for _, v := range values {
		b, err := json.Marshal(v)
		if err != nil { // a schema that is no JSON: then it is its own text
			b = fmt.Appendf(nil, "%#v", v)
		}
		fmt.Fprintf(h, "%d:", len(b))
		_, _ = h.Write(b) // a hash never fails
	}
}

// restore gives reasoning back to the known answers with calls that came without
// it: publishers want it there, and clients forget it.
func (c *conversation) restore(r *chat.Request) *chat.Request {
	changed := false
	for i, t := range c.turns {
		if t == nil || t.Thought == "" || r.Messages[i].Reasoning != "" || len(t.Calls) == 0 {
			continue
		}
		if !changed {
			cp := *r
			cp.Messages = slices.Clone(r.Messages)
			r, changed = &cp, true
		}
		r.Messages[i].Reasoning = t.Thought
	}
	return r
}

// replayTries bounds how many renderings a search for a replay costs.
const replayTries = 3

// encode turns a prompt into tokens. Where it contains an answer that the ledger
// knows, with the same conversation before it, everything up to the answer's end
// is taken as it was computed.
func (m *Model) encode(r *chat.Request, p *chat.Prompt, c *conversation) []int32 {
	tries := 0
	for i, t := range slices.Backward(c.turns) {
		if t == nil || t.History != c.before[i] {
			continue
		}
		if tries++; tries > replayTries {
			break
		}
		if tail, ok := m.after(r, p, i, t); ok {
			return m.tok.Encode(slices.Concat(t.Prompt, t.Answer), tail...)
		}
	}
	return m.tok.Encode(nil, p.Spans...)
}

// after returns the part of a prompt that follows message i, from its end token
// on. It reports false if the format shows the message in a way that the model's
// own words cannot stand for, such as without its reasoning.
func (m *Model) after(r *chat.Request, p *chat.Prompt, i int, t *turn) ([]tokenizer.Span, bool) {
	short := *r
	short.Messages = r.Messages[:i]
	q, err := m.format.Render(&short)
	if err != nil {
		return nil, false
	}
	old, now := q.Text(), p.Text()
	at := 0
	for at < min(len(old), len(now)) && old[at] == now[at] {
		at++
	}
	// What is left of the shorter prompt opens an answer. If it were more, the
	// longer one would show what came before in another way.
	const opening = 128
	if rest := old[at:]; len(rest) > opening || firstOf(rest, m.ends) >= 0 {
		return nil, false
	}
	tail, from, ok := cutAt(p.Spans, at, m.ends)
	if !ok || !strings.Contains(now[at:from], strings.TrimSpace(t.Thought)) {
		return nil, false
	}
	return tail, true
}

// cutAt returns the spans from the first end token at or after a byte on.
func cutAt(spans []tokenizer.Span, at int, ends []string) (tail []tokenizer.Span, from int, ok bool) {
	pos := 0
	for i, s := range spans {
		skip := min(max(0, at-pos), len(s.Text))
		if s.Template {
			if j := firstOf(s.Text[skip:], ends); j >= 0 {
				cut := tokenizer.Span{Text: s.Text[skip+j:], Template: true}
				return append([]tokenizer.Span{cut}, spans[i+1:]...), pos + skip + j, true
			}
		}
		pos += len(s.Text)
	}
	return nil, 0, false
}

// firstOf returns where the first of several texts begins, or -1.
func firstOf(s string, texts []string) int {
	first := -1
	for _, t := range texts {
		if i := strings.Index(s, t); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}
