package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/pull"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
)

// mayManage lets only those change the models who may: everybody where no key is
// needed, which is on this machine only, otherwise whom the options name.
func (a *API) mayManage(r *http.Request) error {
	if p := server.Who(r.Context()); p.Name != "" && (a.o.MayManage == nil || !a.o.MayManage(p)) {
		return apierr.New(apierr.Forbidden, "this key may use models, but not change which ones there are")
	}
	return nil
}

// manageError finds the place of the errors of managing.
func manageError(err error) error {
	var used *library.InUseError
	var name *library.NameError
	var template *library.TemplateError
	switch {
	case errors.Is(err, library.ErrNoFolder):
		return apierr.New(apierr.NotImplemented, "%s", trim(library.ErrNoFolder.Error())).Because(err)
	case errors.As(err, &used):
		return apierr.At(apierr.InvalidRequest, "model", "%s", trim(used.Error())).Because(err)
	case errors.As(err, &name):
		return apierr.At(apierr.InvalidValue, "model", "%s", trim(name.Error())).Because(err)
	case errors.As(err, &template):
		return apierr.At(apierr.InvalidValue, "template", "'template' is no Jinja template: %s", trim(template.Error())).Because(err)
	}
	return err
}

// status is a line of progress.
type status struct {
	Status    string `json:"status"`
	Digest    string `json:"digest,omitempty"`
	Total     int64  `json:"total,omitempty"`
	Completed int64  `json:"completed,omitempty"`
}

// working runs f with a function that tells progress to a client who wants to
// see it. At the end it says "success".
func (a *API) working(w http.ResponseWriter, stream *bool, f func(tell func(status) error) error) error {
	lines := stream == nil || *stream
	last := status{Status: "working"} // of this handler's goroutine and, under sse's lock, the heartbeat's
	idle := func() any { return status{Status: "working"} }
	return a.streaming(w, lines, idle, func(s *sse.Writer) error {
		err := f(func(st status) error {
			if !lines || st == last {
				return nil
			}
			last = st
			return s.Event("", st)
		})
		if err != nil {
			return manageError(err)
		}
		return s.Event("", status{Status: "success"})
	})
}

type pullRequest struct {
	Model    string `json:"model"`
	Name     string `json:"name"` // older
	Insecure bool   `json:"insecure"`
	Stream   *bool  `json:"stream"`
}

// pull answers /api/pull. The download ends with the connection; what has come
// stays for the next time.
func (a *API) pull(w http.ResponseWriter, r *http.Request) error {
	var body pullRequest
	if err := decode.Body(r, &body, decode.Fields{Refused: map[string]string{
		"username": "the server has the key for downloads, if one is needed", "password": "the server has the key for downloads, if one is needed",
	}}); err != nil {
		return err
	}
	if body.Model == "" {
		body.Model = body.Name
	}
	switch {
	case body.Model == "":
		return apierr.Missing("model")
	case body.Insecure:
		return apierr.Unsupported("insecure", "models are downloaded over https only")
	case a.o.Puller == nil:
		return apierr.New(apierr.NotImplemented, "this server has no folder of models to download into")
	}
	if err := a.mayManage(r); err != nil {
		return err
	}
	return a.working(w, body.Stream, func(tell func(status) error) error {
		if _, err := a.b.Info(body.Model); err == nil && !looksRemote(body.Model) {
			return tell(status{Status: "it is here already"})
		}
		var gone error
		_, err := a.o.Puller.Pull(r.Context(), body.Model, func(p pull.Progress) {
			st := status{Status: p.Status, Total: p.Total, Completed: p.Done}
			if p.File != "" {
				st.Digest = "sha256:" + p.SHA256
				if p.Status == "downloading" {
					st.Status = "pulling " + p.File
				}
			}
			gone = errors.Join(gone, tell(st))
		})
		if err == nil {
			err = gone
		}
		return pullError(err)
	})
}

// looksRemote reports that a name says where a model comes from: that is asked
// again, for the model may have changed there.
func looksRemote(name string) bool {
	r, err := pull.Parse(name)
	return err == nil && r.Kind != pull.Registry
}

// pullError finds the place of the errors of downloads. What another server said
// about the client's own request is the client's to know.
func pullError(err error) error {
	var name *pull.NameError
	var choice *pull.ChoiceError
	var refused *pull.RefusedError
	var space *pull.SpaceError
	var answer *pull.StatusError
	text := func(e error) string { return trim(e.Error()) }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &name):
		return apierr.At(apierr.InvalidValue, "model", "%s", text(name))
	case errors.As(err, &choice):
		return apierr.At(apierr.InvalidValue, "model", "%s", text(choice))
	case errors.As(err, &refused):
		return apierr.New(apierr.InsufficientMemory, "%s", text(refused))
	case errors.As(err, &space):
		return apierr.New(apierr.InsufficientMemory, "%s", text(space))
	case errors.As(err, &answer) && answer.Status == http.StatusNotFound:
		return apierr.At(apierr.ModelNotFound, "model", "%s", text(answer))
	case errors.As(err, &answer):
		return apierr.New(apierr.InvalidRequest, "%s", text(answer))
	case errors.Is(err, pull.ErrBusy):
		return apierr.New(apierr.InvalidRequest, "%s", text(pull.ErrBusy))
	case errors.Is(err, context.Canceled):
		return err
	}
	// Who may download may know why it does not work: no network, a full disk.
	return apierr.New(apierr.Internal, "%s", text(err)).Because(err)
}

// trim takes our packages' names from the front of a text.
func trim(s string) string {
	for _, p := range []string{"pull: ", "library: ", "chat: ", "jinja: "} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}

type createRequest struct {
	Model      string          `json:"model"`
	Name       string          `json:"name"` // older
	From       string          `json:"from"`
	System     string          `json:"system"`
	Template   string          `json:"template"`
	License    json.RawMessage `json:"license"` // string or strings
	Parameters json.RawMessage `json:"parameters"`
	Messages   []message       `json:"messages"`
	Stream     *bool           `json:"stream"`
}

var createFields = decode.Fields{Refused: map[string]string{
	"files":      "put GGUF files into the folder of models",
	"adapters":   "LoRA adapters are not implemented",
	"quantize":   "files are served as they are; download one with the quantization you want",
	"quantise":   "files are served as they are; download one with the quantization you want",
	"modelfile":  "send its parts: 'from', 'system', 'parameters', 'messages'",
	"path":       "send its parts: 'from', 'system', 'parameters', 'messages'",
	"renderer":   "the prompt format is the model's; 'template' replaces it",
	"parser":     "the prompt format is the model's; 'template' replaces it",
	"requires":   "it is a version of another program",
	"remote_url": "models run on this machine only", "remote_host": "models run on this machine only",
	"info": "the metadata is the file's",
}}

// create answers /api/create: a model made of another one, with a system prompt,
// settings, a template or first messages of its own.
func (a *API) create(w http.ResponseWriter, r *http.Request) error {
	var body createRequest
	if err := decode.Body(r, &body, createFields); err != nil {
		return err
	}
	if err := a.mayManage(r); err != nil {
		return err
	}
	recipe, err := body.recipe()
	if err != nil {
		return err
	}
	if a.o.Library == nil {
		return manageError(library.ErrNoFolder)
	}
	return a.working(w, body.Stream, func(tell func(status) error) error {
		if err := a.o.Library.Create(*recipe); err != nil {
			return err
		}
		return tell(status{Status: "writing manifest"}) // some programs wait for this word
	})
}

func (c *createRequest) recipe() (*library.Recipe, error) {
	if c.Model == "" {
		c.Model = c.Name
	}
	switch {
	case c.Model == "":
		return nil, apierr.Missing("model")
	case c.From == "":
		return nil, apierr.Missing("from")
	}
	r := &library.Recipe{Name: c.Model, From: c.From, System: c.System, Template: c.Template, Parameters: c.Parameters}
	o, err := readOptions(c.Parameters)
	if err == nil {
		err = o.neutral(&asked{}) // checks the values
	}
	if err != nil {
		return nil, err
	}
	if !missing(c.License) {
		var list []string
		if c.License[0] == '"' {
			list = make([]string, 1)
			err = decode.Value(c.License, &list[0], "license")
		} else {
			err = decode.Value(c.License, &list, "license")
		}
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			r.Licence += l + "\n"
		}
	}
	if _, err := toMessages(c.Messages); err != nil {
		return nil, err
	}
	for _, m := range c.Messages {
		r.Messages = append(r.Messages, library.RecipeMessage{Role: m.Role, Content: m.Content})
	}
	return r, nil
}

// copy answers /api/copy.
func (a *API) copy(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Source      string `json:"source"`
		Destination string `json:"destination"`
	}
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	if err := a.mayManage(r); err != nil {
		return err
	}
	switch {
	case body.Source == "":
		return apierr.Missing("source")
	case body.Destination == "":
		return apierr.Missing("destination")
	case a.o.Library == nil:
		return manageError(library.ErrNoFolder)
	}
	if err := a.o.Library.Copy(body.Source, body.Destination); err != nil {
		return manageError(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// remove answers /api/delete.
func (a *API) remove(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Model string `json:"model"`
		Name  string `json:"name"` // older
	}
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	if err := a.mayManage(r); err != nil {
		return err
	}
	if body.Model == "" {
		body.Model = body.Name
	}
	switch {
	case body.Model == "":
		return apierr.Missing("model")
	case a.o.Library == nil:
		return manageError(library.ErrNoFolder)
	}
	if err := a.o.Library.Remove(body.Model); err != nil {
		return manageError(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
