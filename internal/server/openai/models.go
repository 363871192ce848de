package openai

import (
	"net/http"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
)

// modelObject is a model of the list. Behind OpenAI's fields are some that
// other local servers have as well.
type modelObject struct {
	ID            string      `json:"id"`
	Object        string      `json:"object"`
	Created       int64       `json:"created"`
	OwnedBy       string      `json:"owned_by"`
	ContextLength int         `json:"context_length,omitempty"` // of a request here
	MaxModelLen   int         `json:"max_model_len,omitempty"`  // the same, by another name that is in use
	Trained       int         `json:"trained_context_length,omitempty"`
	Parameters    int64       `json:"parameters,omitempty"`
	Quantization  string      `json:"quantization,omitempty"`
	Loaded        bool        `json:"loaded"`
	Architecture  *modalities `json:"architecture,omitempty"`
	Capabilities  []string    `json:"capabilities,omitempty"`
	Problem       string      `json:"problem,omitempty"`
}

type modalities struct {
	Name   string   `json:"name"`
	Input  []string `json:"input_modalities"`
	Output []string `json:"output_modalities"`
}

type modelList struct {
	Object string        `json:"object"`
	Data   []modelObject `json:"data"`
}

// models answers /v1/models, aliases included: clients let people choose from
// this list.
func (a *API) models(w http.ResponseWriter, r *http.Request) error {
	out := modelList{Object: "list", Data: []modelObject{}}
	for _, i := range server.Visible(r.Context(), a.b.List()) {
		out.Data = append(out.Data, toModel(i.Name, i))
		for _, alias := range i.Aliases {
			out.Data = append(out.Data, toModel(alias, i))
		}
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// model answers /v1/models/{id}. A name may have slashes.
func (a *API) model(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	i, err := a.b.Info(id)
	if err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, toModel(id, i))
}

func toModel(id string, i library.Info) modelObject {
	m := modelObject{ID: id, Object: "model", Created: max(0, i.Created.Unix()), OwnedBy: "holdfast", Loaded: i.Loaded, ContextLength: i.Context, MaxModelLen: i.Context}
	if i.Problem != nil {
		m.Problem = "its file cannot be used; the server's log says why"
	}
	d := i.Description
	if d == nil {
		return m
	}
	m.Trained, m.Parameters, m.Quantization = d.Trained, d.Parameters, strings.ToUpper(d.FileType)
	m.Architecture = &modalities{Name: d.Arch, Input: []string{"text"}, Output: []string{"text"}}
	m.Capabilities = capabilities(d)
	return m
}

func capabilities(d *library.Description) []string {
	out := []string{"completion"}
	for _, c := range []struct {
		name string
		has  bool
	}{{"chat", d.Chat}, {"tools", d.Chat && d.Format.Tools}, {"thinking", d.Chat && d.Format.Thinking}, {"insert", d.Insert}} {
		if c.has {
			out = append(out, c.name)
		}
	}
	return out
}
