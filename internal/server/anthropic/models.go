package anthropic

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// modelObject is a model of the list.
type modelObject struct {
	Type           string        `json:"type"`
	ID             string        `json:"id"`
	DisplayName    string        `json:"display_name"`
	CreatedAt      time.Time     `json:"created_at"`
	Lifecycle      string        `json:"lifecycle"`
	MaxInputTokens int           `json:"max_input_tokens,omitempty"`
	MaxTokens      int           `json:"max_tokens,omitempty"`
	Capabilities   *capabilities `json:"capabilities,omitempty"`
}

type modelList struct {
	Data    []modelObject `json:"data"`
	HasMore bool          `json:"has_more"`
	FirstID *string       `json:"first_id"`
	LastID  *string       `json:"last_id"`
}

// supported is how the API says that something can be had, or not.
type supported struct {
	Supported bool `json:"supported"`
}

// capabilities say of everything that the API knows whether a model has it.
type capabilities struct {
	Batch             supported `json:"batch"`
	Citations         supported `json:"citations"`
	CodeExecution     supported `json:"code_execution"`
	ContextManagement supported `json:"context_management"`
	Effort            efforts   `json:"effort"`
	ImageInput        supported `json:"image_input"`
	PDFInput          supported `json:"pdf_input"`
	ServerTools       servers   `json:"server_tools"`
	StructuredOutputs supported `json:"structured_outputs"`
	Thinking          thoughts  `json:"thinking"`
}

type efforts struct {
	supported
	Low    supported `json:"low"`
	Medium supported `json:"medium"`
	High   supported `json:"high"`
	XHigh  supported `json:"xhigh"`
	Max    supported `json:"max"`
}

type servers struct {
	supported
	CodeExecution supported `json:"code_execution"`
	WebSearch     supported `json:"web_search"`
}

type thoughts struct {
	supported
	Types struct {
		Adaptive     supported `json:"adaptive"`
		BetweenTools supported `json:"between_tools"`
		Disabled     supported `json:"disabled"`
		Enabled      supported `json:"enabled"`
	} `json:"types"`
}

// Pages of the list.
const (
	defaultPage = 20
	maxPage     = 1000
)

// models answers /v1/models, aliases included.
func (a *API) models(w http.ResponseWriter, r *http.Request) error {
	var all []modelObject
	for _, i := range server.Visible(r.Context(), a.b.List()) {
		for _, name := range append([]string{i.Name}, i.Aliases...) {
			all = append(all, toModel(name, i))
		}
	}
	out, err := page(all, r.URL.Query())
	if err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// page cuts a page out of the list.
func page(all []modelObject, q url.Values) (*modelList, error) {
	limit := defaultPage
	if q.Has("limit") {
		s := q.Get("limit")
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPage {
			return nil, apierr.BadValue("limit", s, "from 1 to 1000")
		}
		limit = n
	}
	before, after := q.Get("before_id"), q.Get("after_id")
	if before != "" && after != "" {
		return nil, apierr.At(apierr.InvalidValue, "before_id", "'before_id' and 'after_id' exclude each other")
	}
	find := func(field, id string) (int, error) {
		i := slices.IndexFunc(all, func(m modelObject) bool { return m.ID == id })
		if i < 0 {
			return 0, apierr.At(apierr.InvalidValue, field, "'%s' is %.100q, which is not in the list", field, id)
		}
		return i, nil
	}
	lo, hi := 0, min(limit, len(all))
	more := hi < len(all)
	switch {
	case after != "":
		i, err := find("after_id", after)
		if err != nil {
			return nil, err
		}
		lo, hi = i+1, min(i+1+limit, len(all))
		more = hi < len(all)
	case before != "":
		i, err := find("before_id", before)
		if err != nil {
			return nil, err
		}
		lo, hi = max(0, i-limit), i
		more = lo > 0
	}
	out := &modelList{Data: append([]modelObject{}, all[lo:hi]...), HasMore: more}
	if len(out.Data) > 0 {
		out.FirstID, out.LastID = &out.Data[0].ID, &out.Data[len(out.Data)-1].ID
	}
	return out, nil
}

// model answers /v1/models/{id}. A name may have slashes.
func (a *API) model(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	i, err := a.b.Info(a.resolve(r.Context(), id))
	if err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, toModel(id, i))
}

func toModel(id string, i library.Info) modelObject {
	m := modelObject{Type: "model", ID: id, DisplayName: id, CreatedAt: i.Created.UTC().Truncate(time.Second), Lifecycle: "active"}
	if m.CreatedAt.Unix() < 0 {
		m.CreatedAt = time.Unix(0, 0).UTC()
	}
	m.MaxInputTokens, m.MaxTokens = i.Context, i.Context
	d := i.Description
	if d == nil {
		return m
	}
	if d.FullName != "" {
		m.DisplayName = d.FullName
	}
	if !d.Chat {
		return m
	}
	on := supported{true}
	c := &capabilities{StructuredOutputs: on}
	thinks, can := d.Format.Thinking, d.Format.Switch
	if thinks {
		c.Thinking.supported, c.Thinking.Types.Adaptive, c.Thinking.Types.Enabled = on, on, on
		c.Effort = efforts{on, on, on, on, on, on}
	}
	c.Thinking.Types.Disabled = supported{!thinks || can}
	m.Capabilities = c
	return m
}
