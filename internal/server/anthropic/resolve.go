package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// Names of DeepSeek's models, which its own Anthropic endpoint puts in place of
// Anthropic's.
const (
	nameFlash = "deepseek-flash"
	namePro   = "deepseek-v4-pro"
)

// resolve returns the model that answers for a name. Clients of this API ask for
// claude-something, often without being told to; where no model has that name,
// they get what DeepSeek's endpoint would give them (deepseek-v4-pro for opus,
// deepseek-flash otherwise) if it is served, and else the default model, or the
// first that can chat. What the request's key may not use does not count, unless
// there is nothing else: then the error says so. Other names are looked up as they
// are.
func (a *API) resolve(ctx context.Context, name string) string {
	if !strings.HasPrefix(strings.ToLower(name), "claude") || a.has(name) {
		return name
	}
	want := nameFlash
	if strings.HasPrefix(strings.ToLower(name), "claude-opus") {
		want = namePro
	}
	list := server.Visible(ctx, a.b.List())
	nothing := len(list) == 0
	for _, n := range []string{want, a.o.Default} {
		if n == "" || n == want && !a.has(n) {
			continue
		}
		if i, err := a.b.Info(n); err != nil || nothing || server.May(ctx, &i) {
			return n
		}
	}
	if nothing {
		list = a.b.List()
	}
	best := name // which is not there, as the error will say
	for _, i := range list {
		usable := i.Problem == nil && i.Description != nil
		if usable && i.Chat {
			return i.Name
		}
		if usable && best == name {
			best = i.Name // which does not chat, as its error will say
		}
	}
	return best
}

// has reports whether there is a model of that name, usable or not.
func (a *API) has(name string) bool {
	_, err := a.b.Info(name)
	var nf *library.NotFoundError
	return !errors.As(err, &nf)
}

// metadata describes who a request is for.
type metadata struct {
	UserID *string `json:"user_id"`
}

const maxUserID = 512

// user returns for whom a request is: answers share cached prefixes, and their
// turn in the queue, with others of the same user and key.
func (m *metadata) user() (string, error) {
	if m == nil || m.UserID == nil {
		return "", nil
	}
	if len(*m.UserID) > maxUserID {
		return "", apierr.At(apierr.InvalidValue, "metadata.user_id", "'metadata.user_id' has %d bytes, but at most %d are allowed", len(*m.UserID), maxUserID)
	}
	return withoutSession(*m.UserID), nil
}

// sessionSuffix is what coding agents put behind the user.
var sessionSuffix = regexp.MustCompile(`^(user_.+)_session_[0-9A-Za-z-]*$`)

// withoutSession takes the session out of the two forms of user_id in which
// Claude Code sends it: user_…_account_…_session_… and a JSON object. One person's
// sessions begin with the same long prompt; it is to be read once.
func withoutSession(id string) string {
	if m := sessionSuffix.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	if !strings.HasPrefix(id, "{") {
		return id
	}
	var fields map[string]any
	if json.Unmarshal([]byte(id), &fields) != nil || fields["session_id"] == nil || len(fields) == 1 {
		return id
	}
	delete(fields, "session_id")
	b, err := json.Marshal(fields) // in the order of keys, so always the same
	if err != nil {
		return id
	}
	return string(b)
}
