package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// keep stores a response unless that is not wanted. It is done before the client
// hears that the response is complete: its next request may name it.
func (a *API) keep(q *responsesAsked, out *responseObject) error {
	if !out.Store {
		return nil
	}
	raw, err := server.Marshal(out)
	if err != nil {
		return err
	}
	s := &Stored{ID: out.ID, Owner: q.owner, Response: raw, Items: slices.Clip(q.items), Outputs: len(out.Output)}
	for _, i := range out.Output {
		item, err := server.Marshal(i)
		if err != nil {
			return err
		}
		s.Items = append(s.Items, item)
	}
	return a.o.Store.Put(s)
}

// stored finds the response that an address names.
func (a *API) stored(r *http.Request) (*Stored, error) {
	id := r.PathValue("id")
	s, ok, err := a.o.Store.Get(id, server.Who(r.Context()).Name)
	if err == nil && !ok {
		err = apierr.New(apierr.NotFound, "there is no stored response %.100q", id)
	}
	return s, err
}

// getResponse answers GET /v1/responses/{id}.
func (a *API) getResponse(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("stream") == "true" {
		return apierr.Unsupported("stream", "a stored response is given whole")
	}
	s, err := a.stored(r)
	if err != nil {
		return err
	}
	return server.WriteRaw(w, http.StatusOK, append(slices.Clip(s.Response), '\n'))
}

// deleteResponse answers DELETE /v1/responses/{id}.
func (a *API) deleteResponse(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	ok, err := a.o.Store.Delete(id, server.Who(r.Context()).Name)
	if err != nil {
		return err
	}
	if !ok {
		return apierr.New(apierr.NotFound, "there is no stored response %.100q", id)
	}
	return server.WriteJSON(w, http.StatusOK, map[string]any{"id": id, "object": "response", "deleted": true})
}

// cancelResponse answers POST /v1/responses/{id}/cancel: only background
// responses can be cancelled, and there are none.
func (a *API) cancelResponse(_ http.ResponseWriter, r *http.Request) error {
	if _, err := a.stored(r); err != nil {
		return err
	}
	return apierr.New(apierr.InvalidRequest, "only a response that is made in the background can be cancelled; end a stream by closing it")
}

// itemList is the answer of /v1/responses/{id}/input_items.
type itemList struct {
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	FirstID string            `json:"first_id"`
	LastID  string            `json:"last_id"`
	HasMore bool              `json:"has_more"`
}

// inputItems answers GET /v1/responses/{id}/input_items: all that came before the
// response, the newest first unless asked otherwise.
func (a *API) inputItems(w http.ResponseWriter, r *http.Request) error {
	s, err := a.stored(r)
	if err != nil {
		return err
	}
	limit, order, err := page(r.URL.Query())
	if err != nil {
		return err
	}
	items := make([]json.RawMessage, 0, len(s.Items))
	ids := make([]string, 0, len(s.Items))
	for i, raw := range s.Items[:len(s.Items)-s.Outputs] {
		item, id, err := named(raw, fmt.Sprintf("item_%s_%d", s.ID, i))
		if err != nil {
			return err
		}
		items, ids = append(items, item), append(ids, id)
	}
	if order == "desc" {
		slices.Reverse(items)
		slices.Reverse(ids)
	}
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		if from = slices.Index(ids, after) + 1; from == 0 {
			return apierr.At(apierr.InvalidValue, "after", "'after' is %.100q, which is no item of this response", after)
		}
	}
	to := min(len(items), from+limit)
	out := itemList{Object: "list", Data: items[from:to], HasMore: to < len(items)}
	if from < to {
		out.FirstID, out.LastID = ids[from], ids[to-1]
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// page reads the parameters of a list.
func page(q url.Values) (limit int, order string, err error) {
	limit = 20
	if q.Has("limit") {
		text := q.Get("limit")
		n, perr := strconv.ParseInt(text, 10, 64)
		if perr != nil {
			return 0, "", apierr.BadValue("limit", text, "a whole number from 1 to 100")
		}
		if err := decode.Int(&limit, "limit", &n, 1, 100); err != nil {
			return 0, "", err
		}
	}
	order = "desc"
	if q.Has("order") {
		order = q.Get("order")
	}
	if order != "asc" && order != "desc" {
		return 0, "", apierr.BadValue("order", order, `"asc" or "desc"`)
	}
	return limit, order, nil
}

// named gives an item an id if it has none.
func named(raw json.RawMessage, id string) (json.RawMessage, string, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, "", fmt.Errorf("openai: a stored item: %w", err)
	}
	var own string
	if json.Unmarshal(m["id"], &own) == nil && own != "" {
		return raw, own, nil
	}
	m["id"], _ = json.Marshal(id) // a string always can be
	out, err := server.Marshal(m)
	return out, id, err
}
