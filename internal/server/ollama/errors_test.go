package ollama

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

func TestErrors(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "x"})
	f := func(path, body string, status int, want string) {
		t.Helper()
		got, answer := s.post(t, path, body)
		if got != status || !strings.Contains(answer, want) || !strings.HasPrefix(answer, `{"error":"`) {
			t.Errorf("%s %s: %d %s\nwant %d with %q", path, body, got, answer, status, want)
		}
	}
	bad := http.StatusBadRequest
	f("/api/chat", `{}`, bad, "'model' is missing")
	f("/api/chat", `{"model":"nowhere",`+hello+`}`, http.StatusNotFound, "nowhere")
	f("/api/chat", `{"model":"fake","mesages":[]}`, bad, "'mesages' is not known")
	f("/api/chat", `{"model":"fake","options":{"temprature":1},`+hello+`}`, bad, "'temprature' is not known")
	f("/api/chat", `{"model":"fake","options":{"temperature":"hot"},`+hello+`}`, bad, "'temperature' is a JSON string")
	f("/api/chat", `{"model":"fake","options":{"temperature":-1},`+hello+`}`, bad, "'temperature' is -1")
	f("/api/chat", `{"model":"fake","options":{"num_predict":0},`+hello+`}`, bad, "num_predict")
	f("/api/chat", `{"model":"fake","options":{"stop":[""]},`+hello+`}`, bad, "must not be empty")
	f("/api/chat", `{"model":"fake","options":[],`+hello+`}`, bad, "'options' must be an object")
	f("/api/chat", `{"model":"fake","think":true,`+hello+`}`, bad, "does not think")
	f("/api/chat", `{"model":"fake","truncate":true,`+hello+`}`, bad, "never cut")
	f("/api/chat", `{"model":"fake","keep_alive":"soon",`+hello+`}`, bad, "'keep_alive'")
	f("/api/chat", `{"model":"fake","format":"yaml",`+hello+`}`, bad, "'format'")
	f("/api/chat", `{"model":"fake","top_logprobs":3,`+hello+`}`, bad, "'logprobs'")
	f("/api/chat", `{"model":"fake","messages":[{"role":"user","content":"x","images":["aGk="]}]}`, bad, "messages[0].images")
	f("/api/chat", `{"model":"fake","messages":[{"role":"robot","content":"x"}]}`, bad, "messages[0].role")
	f("/api/chat", `{"model":"fake","messages":[{"role":"tool","content":"x"}]}`, bad, "answers no call")
	f("/api/chat", `{"model":"fake","tools":[{"type":"function","function":{"name":"a b"}}],`+hello+`}`, bad, "tools[0].function.name")
	f("/api/generate", `{"model":"fake","prompt":"x","images":["aGk="]}`, bad, "'images'")
	f("/api/generate", `{"model":"fake","prompt":"x","raw":true,"system":"y"}`, bad, "'raw'")
	f("/api/generate", `{"model":"fake","prompt":"x","raw":true,"format":"json"}`, bad, "'format'")
	f("/api/generate", `{"model":"fake","prompt":"x","template":"{{ .Prompt }}"}`, bad, "no Jinja template")
	f("/api/generate", `{"model":"fake","prompt":"x","suffix":"y"}`, bad, "'suffix'")
	f("/api/push", `{"model":"fake"}`, http.StatusNotImplemented, "not offered")
	f("/api/pull", `{"model":"fake"}`, http.StatusNotImplemented, "no folder")
	f("/api/delete", ``, http.StatusMethodNotAllowed, "DELETE")
	f("/api/nothing", ``, http.StatusNotFound, "/api/nothing")
	f("/api/embed", `{"model":"fake"}`, bad, "'input' is missing")
}

// TestHarmlessOptions are what programs send out of habit.
func TestHarmlessOptions(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "x"})
	s.ask(t, "/api/chat", `{"model":"fake","truncate":false,"shift":false,"think":false,"options":{"num_thread":4,"num_gpu":99,"use_mmap":true,"num_batch":512,"num_keep":5,"low_vram":false,
		"top_k":-1,"seed":-1,"stop":"END","mirostat":0,"tfs_z":1,"repeat_last_n":-1,"min_p":null},`+hello+`}`)
}

func TestRoot(t *testing.T) {
	s := one(t, &servertest.Model{})
	if status, body := s.do(t, http.MethodGet, "/", ""); status != http.StatusOK || body != "Ollama is running" {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.do(t, http.MethodHead, "/", ""); status != http.StatusOK || body != "" {
		t.Errorf("%d %s", status, body)
	}
	if _, body := s.do(t, http.MethodGet, "/api/version", ""); !strings.Contains(body, `"version":"`+SpokenVersion+`"`) {
		t.Error(body)
	}
}
