package openai

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
)

// delegated returns the handler of another dialect if the request's model is one
// of its own, otherwise nil. The body can be read again afterwards.
func (a *API) delegated(r *http.Request, path string) server.Handler {
	if a.o.Delegate == nil {
		return nil
	}
	data, err := io.ReadAll(r.Body)
	rest := io.Reader(bytes.NewReader(data))
	if err != nil {
		rest = io.MultiReader(rest, failing{err}) // whoever reads the body says so
	}
	r.Body = again{rest, r.Body}
	var head struct {
		Model string `json:"model"`
	}
	if json.Unmarshal(data, &head) != nil {
		return nil
	}
	h, _ := a.o.Delegate(path, head.Model)
	return h
}

// again is a body that was read before.
type again struct {
	io.Reader
	io.Closer
}

// failing is the error at the end of what could be read.
type failing struct{ err error }

// Read returns the error.
func (f failing) Read([]byte) (int, error) { return 0, f.err }
