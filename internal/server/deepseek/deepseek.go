package deepseek

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
)

// Options of the API.
type Options struct {
	// Model is the one that DeepSeek's hosted names stand for; "" is the first
	// of the list that can chat.
	Model string
	// Balances answers /user/balance; nil says that nothing is counted.
	Balances Balances
	// Heartbeat is how long an answer may be silent; 0 is the default of sse.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to read; 0 is the default of sse.
	WriteTimeout time.Duration
	// StartLimit is how long a request may wait in the queue; 0 is ten minutes,
	// as DeepSeek has it, negative is for ever.
	StartLimit time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// NewID makes the id of an answer; nil is a random UUID.
	NewID func() string
	// NewCallID makes the ids of calls that a model left unnamed; nil is
	// llm.CallID.
	NewCallID func(index int) string
}

// Balances knows what the holders of keys may still use.
type Balances interface {
	// Balance returns what the key named so has left.
	Balance(ctx context.Context, key string) (Balance, error)
}

// A Balance is what a key has left. The amounts are decimal numbers in a
// currency; it is the server's administrator who gives them a meaning.
type Balance struct {
	Available bool // requests will be answered
	Infos     []Amount
}

// An Amount is the balance in one currency.
type Amount struct {
	Currency string `json:"currency"` // CNY or USD
	Total    string `json:"total_balance"`
	Granted  string `json:"granted_balance"`
	ToppedUp string `json:"topped_up_balance"`
}

// An API is DeepSeek's dialect on a backend.
type API struct {
	b         server.Backend
	o         Options
	responses server.Handler
}

// New returns the API.
func New(b server.Backend, o Options) *API {
	if o.StartLimit == 0 {
		o.StartLimit = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = newUUID
	}
	if o.NewCallID == nil {
		o.NewCallID = llm.CallID
	}
	a := &API{b: b, o: o}
	// DeepSeek's responses API is OpenAI's, stateless.
	a.responses = openai.New(aliased{b, a}, openai.Options{
		Heartbeat: o.Heartbeat, WriteTimeout: o.WriteTimeout, Stateless: true, Now: o.Now, NewID: o.NewID,
	}).Responses
	return a
}

// aliased is a backend that knows the hosted names.
type aliased struct {
	server.Backend
	a *API
}

// Acquire takes the model that a name stands for.
func (b aliased) Acquire(ctx context.Context, name string) (*library.Lease, error) {
	info, _, err := b.a.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	return b.Backend.Acquire(ctx, info.Name)
}

// newUUID returns a random UUID (version 4).
func newUUID() string {
	const hex = "0123456789abcdef"
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	out := make([]byte, 0, 36)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hex[c>>4], hex[c&15])
	}
	return string(out)
}

// Register adds the endpoints.
func (a *API) Register(r *server.Router) {
	for _, base := range []string{"", "/beta"} {
		r.Zone(base + "/chat/")
		r.Zone(base + "/completions")
		r.Zone(base + "/models")
		r.Handle("POST "+base+"/chat/completions", a.chat)
		r.Handle("POST "+base+"/completions", a.completions)
		r.Handle("GET "+base+"/models", a.models)
	}
	r.Zone("/beta/")
	r.Zone("/user/")
	r.Handle("GET /user/balance", a.balance)
	r.Handle("POST /responses", a.responses)
}

// Delegate returns the handler for a request under /v1 whose model is one of
// DeepSeek's hosted names and no model of this server. path is the address
// without /v1. It answers its errors itself.
func (a *API) Delegate(path, model string) (server.Handler, bool) {
	if _, known := hosted[model]; !known {
		return nil, false
	}
	if _, err := a.b.Info(model); err == nil {
		return nil, false
	}
	switch path {
	case "/chat/completions":
		return a.own(a.chat), true
	case "/completions":
		return a.own(a.completions), true
	}
	return nil, false
}

// own lets a handler's errors be written in this API's shape.
func (a *API) own(h server.Handler) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		t := &tracker{ResponseWriter: w}
		err := h(t, r)
		if err != nil && !t.begun {
			a.writeError(w, err)
		}
		return err
	}
}

// A tracker remembers whether an answer has begun.
type tracker struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader begins the answer.
func (t *tracker) WriteHeader(status int) {
	t.begun = true
	t.ResponseWriter.WriteHeader(status)
}

// Write begins the answer.
func (t *tracker) Write(p []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// modelList is the answer of /models. Its entries have no time of creation.
type modelList struct {
	Object string        `json:"object"`
	Data   []modelObject `json:"data"`
}

type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	OwnedBy string `json:"owned_by"`
}

// models answers /models: the models here, then the hosted names that work.
func (a *API) models(w http.ResponseWriter, r *http.Request) error {
	out := modelList{Object: "list", Data: []modelObject{}}
	have := map[string]bool{}
	add := func(id string) {
		if !have[id] {
			have[id] = true
			out.Data = append(out.Data, modelObject{ID: id, Object: "model", OwnedBy: "holdfast"})
		}
	}
	list := server.Visible(r.Context(), a.b.List())
	for _, i := range list {
		add(i.Name)
		for _, alias := range i.Aliases {
			add(alias)
		}
	}
	if a.served(list) != "" {
		for _, name := range []string{"deepseek-chat", "deepseek-reasoner", "deepseek-flash"} {
			add(name)
		}
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// served is the model of a list that hosted names stand for, "" if there is none.
func (a *API) served(list []library.Info) string {
	first := ""
	if m := a.o.Model; m != "" {
		own, err := a.b.Info(m)
		if err != nil || slices.ContainsFunc(list, func(i library.Info) bool { return i.Name == own.Name }) {
			return m
		}
	}
	for _, i := range list {
		switch {
		case i.Description != nil && i.Chat:
			return i.Name
		case i.Problem == nil && first == "":
			first = i.Name
		}
	}
	return first
}

// balanceAnswer is the answer of /user/balance.
type balanceAnswer struct {
	Available bool     `json:"is_available"`
	Infos     []Amount `json:"balance_infos"`
}

func (a *API) balance(w http.ResponseWriter, r *http.Request) error {
	out := balanceAnswer{Available: true, Infos: []Amount{}}
	if a.o.Balances != nil {
		b, err := a.o.Balances.Balance(r.Context(), server.Who(r.Context()).Name)
		if err != nil {
			return err
		}
		out.Available, out.Infos = b.Available, append(out.Infos, b.Infos...)
	}
	return server.WriteJSON(w, http.StatusOK, out)
}
