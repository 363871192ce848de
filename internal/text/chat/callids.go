package chat

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strconv"
)

// withIDs returns the messages with the ids of calls, and of their results, as the
// form wants to see them. What a client calls a call is its own business, and some
// templates refuse what is not their models' own. A result without an id is that of
// the first call that has none yet.
func (f callForm) withIDs(msgs []Message) []Message {
	if f.id == nil {
		return msgs
	}
	out := slices.Clone(msgs)
	type asked struct{ old, id string }
	var open []asked // without a result so far
	n := 0
	for i := range out {
		m := &out[i]
		if len(m.ToolCalls) > 0 {
			open = open[:0]
			m.ToolCalls = slices.Clone(m.ToolCalls)
			for k := range m.ToolCalls {
				c := &m.ToolCalls[k]
				old := c.ID
				c.ID = f.id(c, k, n)
				open = append(open, asked{old, c.ID})
				n++
			}
		}
		if m.Role != ToolRole {
			continue
		}
		at := -1
		for k, a := range open {
			if at < 0 && m.ToolCallID == "" || m.ToolCallID != "" && a.old == m.ToolCallID {
				at = k
			}
		}
		if at < 0 { // a result of nothing: some id is better than an error
			m.ToolCallID = f.id(&ToolCall{ID: m.ToolCallID, Name: m.Name}, 0, n)
			continue
		}
		m.ToolCallID = open[at].id
		open = slices.Delete(open, at, at+1)
	}
	return out
}

// resultsInOrder puts results that follow each other into the order of their calls.
// Templates show many results without an id, or give ids by their order. Results
// of which one belongs to no call stay as they are.
func resultsInOrder(msgs []Message) []Message {
	out, copied := msgs, false
	for i := range msgs {
		calls := msgs[i].ToolCalls
		n := 0
		for i+1+n < len(msgs) && msgs[i+1+n].Role == ToolRole {
			n++
		}
		if len(calls) < 2 || n < 2 {
			continue
		}
		place := func(m *Message) int {
			return slices.IndexFunc(calls, func(c ToolCall) bool { return c.ID == m.ToolCallID && c.ID != "" })
		}
		run := slices.Clone(msgs[i+1 : i+1+n])
		if slices.ContainsFunc(run, func(m Message) bool { return place(&m) < 0 }) {
			continue
		}
		if !copied {
			out, copied = slices.Clone(msgs), true
		}
		slices.SortStableFunc(run, func(a, b Message) int { return place(&a) - place(&b) })
		copy(out[i+1:], run)
	}
	return out
}

// kimiCallID names a call as the model does: by its function and its place in the
// answer.
func kimiCallID(c *ToolCall, index, _ int) string {
	return "functions." + c.Name + ":" + strconv.Itoa(index)
}

var mistralOwnID = regexp.MustCompile(`^[A-Za-z0-9]{9}$`)

// mistralCallID makes nine letters and digits of an id, always the same ones.
func mistralCallID(c *ToolCall, _, count int) string {
	if mistralOwnID.MatchString(c.ID) {
		return c.ID
	}
	seed := c.ID
	if seed == "" {
		seed = "call " + strconv.Itoa(count)
	}
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(seed))
	id := make([]byte, 9)
	for i := range id {
		id[i] = letters[int(sum[i])%len(letters)]
	}
	return string(id)
}
