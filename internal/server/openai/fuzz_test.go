package openai

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// FuzzRequests checks that every body is understood or refused as the client's
// mistake.
func FuzzRequests(f *testing.F) {
	const ask = `{"model":"fake","messages":[{"role":"user","content":"Why?"}]`
	for _, s := range []string{
		ask + `,"n":2,"stop":["x"],"logit_bias":{"1":-100},"logprobs":true,"top_logprobs":3}`,
		ask + `,` + weatherTool + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"weather"}}]}}}`,
		ask + `,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}}}`,
		`{"model":"fake","prompt":[[1,2],"a"],"suffix":"b","logprobs":3}`, `{"model":"fake","input":"a"}`,
		`{"model":"fake","input":[{"type":"reasoning","encrypted_content":"hf1.SGk"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"x"}]}],"tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"f"}}`,
		`{}`, `[]`, `{"model":1}`, "",
	} {
		f.Add([]byte(s))
	}
	a := New(nil, Options{})
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(err error) {
			if err == nil {
				return
			}
			if s := apierr.From(err).Status(); s != http.StatusBadRequest && s != http.StatusNotFound {
				t.Errorf("%d %v", s, err)
			}
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(""))
		var c chatRequest
		err := decode.JSON(data, &c, chatFields)
		if err == nil {
			_, err = c.neutral()
		}
		check(err)
		var p completionRequest
		if err = decode.JSON(data, &p, completionFields); err == nil {
			_, err = p.neutral()
		}
		check(err)
		var b responsesRequest
		if err = decode.JSON(data, &b, responsesFields); err == nil {
			_, err = a.neutralResponses(r, &b)
		}
		check(err)
	})
}
