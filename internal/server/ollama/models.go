package ollama

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// details describe a model in a few words.
type details struct {
	ParentModel   string   `json:"parent_model"`
	Format        string   `json:"format"`
	Family        string   `json:"family"`
	Families      []string `json:"families"`
	ParameterSize string   `json:"parameter_size"`
	Quantization  string   `json:"quantization_level"`
}

// listed is a model of the list.
type listed struct {
	Name         string   `json:"name"`
	Model        string   `json:"model"`
	ModifiedAt   string   `json:"modified_at"`
	Size         int64    `json:"size"`
	Digest       string   `json:"digest"`
	Details      details  `json:"details"`
	Capabilities []string `json:"capabilities"`
}

// loaded is a model that is in memory.
type loaded struct {
	Name          string  `json:"name"`
	Model         string  `json:"model"`
	Size          int64   `json:"size"`
	Digest        string  `json:"digest"`
	Details       details `json:"details"`
	ExpiresAt     string  `json:"expires_at"`
	SizeVRAM      int64   `json:"size_vram"` // there is none
	ContextLength int     `json:"context_length"`
}

// tags answers /api/tags: all models, other names included.
func (a *API) tags(w http.ResponseWriter, r *http.Request) error {
	out := struct {
		Models []listed `json:"models"`
	}{[]listed{}}
	for _, i := range server.Visible(r.Context(), a.b.List()) {
		for _, name := range append([]string{i.Name}, i.Aliases...) {
			name = tagged(name)
			out.Models = append(out.Models, listed{
				Name: name, Model: name, ModifiedAt: stamp(i.Created), Size: i.Size, Digest: digest(&i), Details: detailsOf(&i), Capabilities: capabilities(&i),
			})
		}
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// ps answers /api/ps: the models in memory.
func (a *API) ps(w http.ResponseWriter, _ *http.Request) error {
	out := struct {
		Models []loaded `json:"models"`
	}{[]loaded{}}
	for _, i := range a.b.Running() {
		until := i.Expires
		if until.IsZero() {
			until = a.o.Now().AddDate(100, 0, 0) // in use, or kept for ever
		}
		name := tagged(i.Name)
		out.Models = append(out.Models, loaded{
			Name: name, Model: name, Size: i.Memory, Digest: digest(&i), Details: detailsOf(&i), ExpiresAt: stamp(until), ContextLength: i.Context,
		})
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// tagged is a name as Ollama's programs expect it: with a tag.
func tagged(name string) string {
	if strings.Contains(name[strings.LastIndexByte(name, '/')+1:], ":") {
		return name
	}
	return name + ":latest"
}

// digest tells versions of a model apart. It is that of the downloaded file if
// that is known; reading gigabytes to answer a list would take too long.
func digest(i *library.Info) string {
	if i.Recipe.SHA256 != "" && i.Recipe.From == "" {
		return i.Recipe.SHA256
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", i.Name, i.Size, i.Created.UnixNano()))
	return hex.EncodeToString(sum[:])
}

func detailsOf(i *library.Info) details {
	d := details{Format: "gguf", ParentModel: i.Recipe.From, Families: []string{}}
	if i.Description != nil {
		d.Family, d.Families = i.Arch, []string{i.Arch}
		d.ParameterSize, d.Quantization = parameterSize(i.Parameters), strings.ToUpper(i.FileType)
	}
	return d
}

// parameterSize writes a number of parameters: 134.5M, 7.6B.
func parameterSize(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	}
	return fmt.Sprintf("%dK", n/1000)
}

func capabilities(i *library.Info) []string {
	out := []string{"completion"}
	d := i.Description
	if d == nil {
		return out
	}
	for _, c := range []struct {
		name string
		has  bool
	}{{"tools", d.Chat && d.Format.Tools}, {"insert", d.Insert}, {"thinking", d.Chat && d.Format.Thinking}} {
		if c.has {
			out = append(out, c.name)
		}
	}
	return out
}

// showRequest is the body of /api/show.
type showRequest struct {
	Model   string `json:"model"`
	Name    string `json:"name"` // older
	Verbose bool   `json:"verbose"`
}

type showAnswer struct {
	License      string         `json:"license,omitempty"`
	Modelfile    string         `json:"modelfile"`
	Parameters   string         `json:"parameters,omitempty"`
	Template     string         `json:"template"`
	System       string         `json:"system,omitempty"`
	Details      details        `json:"details"`
	Messages     []message      `json:"messages,omitempty"`
	ModelInfo    map[string]any `json:"model_info"`
	Capabilities []string       `json:"capabilities"`
	ModifiedAt   string         `json:"modified_at"`
}

// show answers /api/show.
func (a *API) show(w http.ResponseWriter, r *http.Request) error {
	var body showRequest
	if err := decode.Body(r, &body, decode.Fields{Ignored: []string{"system", "template", "options"}}); err != nil {
		return err
	}
	if body.Model == "" {
		body.Model = body.Name
	}
	if body.Model == "" {
		return apierr.Missing("model")
	}
	i, err := a.b.Info(body.Model)
	if err != nil {
		return err
	}
	out := showAnswer{
		License: i.Licence, Template: i.Template, System: i.Recipe.System, Parameters: parameterLines(i.Recipe.Parameters),
		Details: detailsOf(&i), ModelInfo: modelInfo(&i), Capabilities: capabilities(&i), ModifiedAt: stamp(i.Created),
	}
	if i.Recipe.Licence != "" {
		out.License = i.Recipe.Licence
	}
	for _, m := range i.Recipe.Messages {
		out.Messages = append(out.Messages, message{Role: m.Role, Content: m.Content})
	}
	out.Modelfile = modelfile(&i, &out)
	return server.WriteJSON(w, http.StatusOK, out)
}

// modelInfo has the keys that programs look for. context_length is what the
// model was trained for, as in its file; ours is what a request may have here.
func modelInfo(i *library.Info) map[string]any {
	name := i.FullName
	if name == "" {
		name = i.Name
	}
	return map[string]any{
		"general.architecture": i.Arch, "general.basename": name, "general.parameter_count": i.Parameters,
		i.Arch + ".context_length": i.Trained, i.Arch + ".vocab_size": i.Vocab, "holdfast.context_length": i.Context,
	}
}

// parameterLines writes parameters as Modelfiles have them: a name and a value a line.
func parameterLines(raw json.RawMessage) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	var lines []string
	for k, v := range m {
		var list []json.RawMessage
		if json.Unmarshal(v, &list) != nil {
			list = []json.RawMessage{v}
		}
		for _, one := range list {
			lines = append(lines, fmt.Sprintf("%-30s %s", k, one))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// modelfile writes what a model was made of in the words of Modelfiles.
func modelfile(i *library.Info, s *showAnswer) string {
	var b strings.Builder
	from := i.Recipe.From
	if from == "" {
		from = i.Name
	}
	fmt.Fprintf(&b, "FROM %s\n", from)
	if s.System != "" {
		fmt.Fprintf(&b, "SYSTEM \"\"\"%s\"\"\"\n", s.System)
	}
	for line := range strings.Lines(s.Parameters) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		fmt.Fprintf(&b, "PARAMETER %s %s\n", name, strings.TrimSpace(value))
	}
	for _, m := range s.Messages {
		fmt.Fprintf(&b, "MESSAGE %s %s\n", m.Role, m.Content)
	}
	return b.String()
}
