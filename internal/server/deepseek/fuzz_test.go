package deepseek

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// FuzzRequests checks that every body is understood or refused with one of the
// documented statuses.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		whyBody + "}", whyBody + `,"thinking":{"type":"enabled"},"user_id":"a","logit_bias":{"1":-100}}`, whyBody + `,` + weather + `,"tool_choice":{"type":"function","function":{"name":"weather"}}}`,
		`{"model":"fake","prompt":"a","suffix":"b","stop":["x"],"logprobs":3}`, `{"model":"fake","prompt":null,"stop":"x","stream":true,"stream_options":{"include_usage":true}}`, `{}`, `[]`, `{"model":1}`, "",
	} {
		f.Add([]byte(s))
	}
	m := servertest.Manager(f, golden.ModuleRoot(f), map[string]*servertest.Model{"fake": {}}, library.Options{})
	a := New(m, Options{})
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(err error) {
			if err == nil {
				return
			}
			switch status, body := errorOf(err); status {
			case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented:
			default:
				t.Errorf("%d %+v", status, body)
			}
		}
		r := func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(data)))
		}
		q, err := a.read(r())
		check(err)
		if err == nil && (q.model == "" || q.opts.MaxTokens < 1 || len(q.Chat.Messages) == 0) {
			t.Errorf("%+v", q)
		}
		_, err = a.readFIM(r())
		check(err)
	})
}
