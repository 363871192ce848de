package dialect

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/deepseekapi"
)

// oracle is a running testdata/oracle.py: DeepSeek's own code. The variable
// HOLDFAST_ORACLE_PYTHON names a Python interpreter that has deepseek-recipe
// 0.2.0; without it the tests are skipped. More than the few default rounds:
// go test -run Oracle -rapid.checks=100000.
type oracle struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

func startOracle(t *testing.T) *oracle {
	t.Helper()
	python := os.Getenv("HOLDFAST_ORACLE_PYTHON")
	if python == "" {
		t.Skip("HOLDFAST_ORACLE_PYTHON is not set")
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/oracle.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &oracle{in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

func (o *oracle) ask(t fataler, question, answer any) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	q, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.in.Write(append(q, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err := o.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// oneOf draws one of some values.
func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return values[rapid.IntRange(0, len(values)-1).Draw(t, label)]
}

// sometimes draws true once in n times.
func sometimes(t *rapid.T, label string, n int) bool {
	return rapid.IntRange(0, n-1).Draw(t, label) == n-1
}

var words = []string{"", "hi", "\n", "json", "<think>", "</think>", "<｜User｜>", "｜DSML｜", "漢字 ü", " x ", "\n\n", `"q"\`, "</tool_result>", "<｜end▁of▁sentence｜>", "{}", "a < b & c"}

func phrase(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 3).Draw(t, "words"), "")
}

var argumentTexts = []string{
	"{}", "", "not json", "[1]", "null", `"s"`, ` {"a" : 1} `, `{"a":1,"a":"x","b":[]}`, `{"x":{"b":[1,2.50],"a":"\u00e9"}}`, `{"a":1} x`, `{"k \"q\"":"v\n"}`,
	`{"n":1e-05,"m":[1E3,-0,-0.0,1e16,123456789012345678901234,1.5e-7,18446744073709551615,9.99e-6]}`, `{"s":"\ud83d\ude00\u0001\/<&>"}`, `{"s":"\ud83d"}`, `{"t":true,"f":false,"z":null,"e":{}}`, `{"n":1e999}`, `{"a":01}`,
}

var schemas = []string{
	`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`, `{}`, `true`, `null`, `{"type":"object"}`,
	`{"description":"d","type":"object","properties":{"n":{"type":"integer","minimum":1,"title":"t","default":2},"l":{"type":"array","items":{"type":"number","multipleOf":0.5}}}}`,
	`{"type":"object","properties":{"a":{"anyOf":[{"type":"string","format":"email"},{"type":"null"}]},"b":{"$ref":"#/$defs/x"},"c":{"type":["string","null"],"description":"é"}}}`,
	`{"z":1e-5,"y":[1.0,{"k":"v"}],"type":"object"}`, `{"type":"object","properties":{"o":{"type":"object"}}}`, `{"type":"object","properties":{"a":{"type":"boolean"}},"required":["b"]}`,
	`{"type":"object","properties":{"e":{"enum":["x"],"type":"string"}},"additionalProperties":true}`, `{"type":"string"}`,
}

type object = map[string]any

func drawContent(t *rapid.T) any {
	if sometimes(t, "parts", 6) {
		parts := []object{}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, object{"type": "text", "text": phrase(t)})
		}
		return parts
	}
	return phrase(t)
}

// drawMessages draws a conversation that is valid more often than not.
func drawMessages(t *rapid.T) []object {
	msgs := []object{}
	for range rapid.IntRange(0, 6).Draw(t, "turns") {
		role := oneOf(t, "role", "system", "user", "user", "assistant", "assistant", "call", "call", "latest_reminder", "tool")
		switch role {
		case "assistant":
			m := object{"role": "assistant", "content": drawContent(t)}
			if sometimes(t, "null", 20) {
				m["content"] = nil
			}
			drawReasoning(t, m)
			if sometimes(t, "prefix", 12) {
				openMessage(m)
			}
			msgs = append(msgs, m)
		case "call":
			msgs = append(msgs, drawCalls(t)...)
		case "tool":
			if sometimes(t, "orphan", 8) {
				msgs = append(msgs, object{"role": "tool", "tool_call_id": "zz", "content": phrase(t)})
			}
		default:
			msgs = append(msgs, object{"role": role, "content": drawContent(t)})
		}
	}
	if len(msgs) > 0 && sometimes(t, "open", 4) {
		m := object{"role": "assistant", "content": phrase(t)}
		drawReasoning(t, m)
		openMessage(m)
		msgs = append(msgs, m)
	}
	return msgs
}

// openMessage makes a message one to be continued. It gets a text if it has
// none: about an empty one the oracle contradicts itself.
func openMessage(m object) {
	m["prefix"] = true
	if s, _ := m["content"].(string); s == "" && (m["reasoning_content"] == nil || m["reasoning_content"] == "") {
		m["content"] = "p"
	}
}

func drawReasoning(t *rapid.T, m object) {
	if rapid.Bool().Draw(t, "reasoning") {
		m["reasoning_content"] = phrase(t)
	}
}

// drawCalls draws an assistant's calls with their results.
func drawCalls(t *rapid.T) []object {
	ids := rapid.Permutation([]string{"A", "B", "C"}).Draw(t, "ids")[:rapid.IntRange(1, 3).Draw(t, "calls")]
	if sometimes(t, "twice", 15) {
		ids = append(ids, ids[0])
	}
	calls := []object{}
	for _, id := range ids {
		calls = append(calls, object{"id": id, "type": "function", "function": object{"name": oneOf(t, "name", "f", "g-2"), "arguments": rapid.SampledFrom(argumentTexts).Draw(t, "arguments")}})
	}
	m := object{"role": "assistant", "tool_calls": calls}
	if rapid.Bool().Draw(t, "text") {
		m["content"] = drawContent(t)
	}
	drawReasoning(t, m)
	out := []object{m}
	for i, id := range rapid.Permutation(ids).Draw(t, "results") {
		if sometimes(t, "lost", 25) {
			continue
		}
		if sometimes(t, "wrong", 25) {
			id = fmt.Sprint("w", i)
		}
		out = append(out, object{"role": "tool", "tool_call_id": id, "content": drawContent(t)})
	}
	return out
}

// drawBody draws a request's body.
func drawBody(t *rapid.T) object {
	b := object{"messages": drawMessages(t)}
	if rapid.Bool().Draw(t, "tools") {
		tools := []object{}
		for i := range rapid.IntRange(0, 3).Draw(t, "n") {
			f := object{"name": []string{"f", "g-2", "h"}[i]}
			if sometimes(t, "odd name", 25) {
				f["name"] = oneOf(t, "odd", "", "a b", "f")
			}
			if rapid.Bool().Draw(t, "described") {
				f["description"] = phrase(t)
			}
			if rapid.Bool().Draw(t, "parameters") {
				f["parameters"] = json.RawMessage(rapid.SampledFrom(schemas).Draw(t, "schema"))
			}
			if sometimes(t, "strict", 5) {
				f["strict"] = true
			}
			tools = append(tools, object{"type": "function", "function": f})
		}
		b["tools"] = tools
		if rapid.Bool().Draw(t, "choice") {
			b["tool_choice"] = oneOf[any](t, "mode", "auto", "none", "required", object{"type": "function", "function": object{"name": oneOf(t, "which", "f", "h")}})
		}
	}
	if rapid.Bool().Draw(t, "think") {
		b["thinking"] = object{"type": oneOf(t, "thinking", "enabled", "disabled", "disabled", "adaptive")}
	}
	if rapid.Bool().Draw(t, "hard") {
		b["reasoning_effort"] = oneOf(t, "effort", "none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
	}
	if sometimes(t, "format", 4) {
		b["response_format"] = oneOf[any](t, "format", object{"type": "json_object"}, object{"type": "text"}, object{"type": "regex", "regex": "a+"},
			object{"type": "json_schema", "json_schema": object{"name": "n", "schema": json.RawMessage(rapid.SampledFrom(schemas).Draw(t, "schema"))}})
	}
	for _, key := range []string{"temperature", "top_p", "n", "max_tokens", "seed", "stop", "logprobs", "top_logprobs", "stream", "stream_options", "presence_penalty", "frequency_penalty"} {
		if sometimes(t, key, 12) {
			b[key] = oneOf(t, key, settings[key]...)
		}
	}
	return b
}

var settings = map[string][]any{
	"temperature": {0, 0.25, 2, 2.5, -1, nil}, "top_p": {0, 0.5, 1, 1.5, 0.97}, "n": {1, 0, 2}, "max_tokens": {1, 0, 5000, 393216, 393217}, "seed": {0, 7, uint64(1) << 63},
	"stop": {"x", "", []string{"a", "b"}, []string{"a", ""}, []string{}, strings.Split("abcdefghijklmnopq", "")}, "logprobs": {true, false}, "top_logprobs": {0, 5, 20, 21},
	"stream": {true, false}, "stream_options": {object{"include_usage": true}, nil}, "presence_penalty": {0, 2, -2.5}, "frequency_penalty": {1.5, 3},
}

// converted is the oracle's answer about a body.
type converted struct {
	Status       int
	Body, Failed string
	Prompt       string
	SpecialBytes [][2]int `json:"special_bytes"`
	Start        string
	Temperature  float64
	TopP         float64 `json:"top_p"`
	MaxTokens    int     `json:"max_tokens"`
	Thinking     bool
	Effort       string
	Tools        bool `json:"parse_tool_calls"`
	JSON         bool `json:"json_output"`
	Stop         []string
	Constraint   string
	Logprobs     bool
	TopLogprobs  *int `json:"top_logprobs"`
	Stream       bool
}

func TestOraclePrompts(t *testing.T) {
	o := startOracle(t)
	rendered, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		body := drawBody(t)
		name := oneOf(t, "dialect", "deepseek-v4", "deepseek-v4.1")
		body["model"] = map[string]string{"deepseek-v4": "DeepSeek-V4-Pro", "deepseek-v4.1": "DeepSeek-V4.1-Flash"}[name]
		if name == "deepseek-v4.1" && onlyPrefix(body["messages"].([]object)) {
			return
		}
		var want converted
		o.ask(t, object{"op": "convert", "body": body}, &want)
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if compareBody(t, name, raw, &want) {
			rendered++
		} else {
			refused++
		}
	})
	t.Logf("%d prompts, %d errors", rendered, refused)
}

// onlyPrefix reports whether nothing but systems without a text comes before a
// message to be continued. There V4.1's encoder closes the reasoning that its
// parser then goes on with.
func onlyPrefix(msgs []object) bool {
	for _, m := range msgs {
		switch {
		case m["prefix"] == true:
			return true
		case m["role"] != "system":
			return false
		}
		text, _ := m["content"].(string)
		if parts, _ := m["content"].([]object); text != "" || len(parts) > 1 || len(parts) == 1 && parts[0]["text"] != "" {
			return false
		}
	}
	return false
}

// compareBody compares a body with the oracle's reading of it, and reports
// whether it has a prompt.
func compareBody(t fataler, name string, raw []byte, want *converted) bool {
	t.Helper()
	d, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	r, bad := deepseekapi.Decode(raw, deepseekapi.Options{Version: version(d)})
	if want.Failed != "" {
		if bad == nil || bad.Status != 422 || !strings.Contains(want.Failed, "invalid request body") {
			t.Fatalf("%s\ngot the error %v\nthe oracle failed: %s", raw, bad, want.Failed)
		}
		return false
	}
	if bad != nil || want.Status != 200 {
		var e struct{ Error struct{ Message string } }
		_ = json.Unmarshal([]byte(want.Body), &e)
		if bad == nil || bad.Status != want.Status || bad.Message != e.Error.Message {
			t.Fatalf("%s\ngot the error %v\nwant %d %s", raw, bad, want.Status, want.Body)
		}
		return false
	}
	p, err := d.Render(&r.Chat)
	if err != nil {
		t.Fatalf("%s\n%v", raw, err)
	}
	tokens, bad := r.ResolveMaxTokens(10, 1048576)
	if bad != nil {
		t.Fatalf("%v", bad)
	}
	got := converted{
		Status: 200, Prompt: p.Text(), SpecialBytes: specialBytes(p), Start: p.Start.String(),
		Temperature: float64(float32(r.Temperature)), TopP: float64(float32(r.TopP)), MaxTokens: tokens, Thinking: r.Thinking, Effort: r.Effort, Tools: r.Tools, JSON: r.JSON,
		Stop: append([]string{}, r.Chat.Stop...), Constraint: r.Constraint, Logprobs: r.Logprobs, TopLogprobs: r.TopLogprobs, Stream: r.Stream,
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Fatalf("%s %s\n(-want +got)\n%s", name, raw, diff)
	}
	return true
}

// outputPieces are what random answers are made of: whole tags, broken tags and
// text. Keys with spaces or quotes are left out: there the oracle is wrong.
var outputPieces = []string{
	"a", "b c", "\n", "\n\n", "é漢", "<", "</", "</th", "<think>", "</think>", "<｜DSML｜", "</｜DSML｜", "<｜DS", "｜DSML｜", "STOP", "ST", "OP", "{", "}", "[", "```", "```json\n", "```\n", "\n```", `"`, `\`, ">",
	"<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>", "<｜DSML｜ calls>\n", "</｜DSML｜ calls>", `<｜DSML｜invoke name="f">`, `<｜DSML｜ invoke name="g h">` + "\n", "</｜DSML｜invoke>", `<｜DSML｜invoke name=`, `invoke name="`,
	`<｜DSML｜parameter name="k" string="true">`, `<｜DSML｜parameter name="n" string="false">`, `<｜DSML｜ parameter name="m-1" string="true">`, "</｜DSML｜parameter>", "</｜DSML｜ parameter>\n", `<｜DSML｜parameter name="p`,
	`string="true">`, `" string=`, "\t\x01",
}

// callTexts are well-formed parts of answers.
var callTexts = []string{
	"<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n", "<｜DSML｜parameter name=\"a\" string=\"true\">v", "</｜DSML｜parameter>\n", "<｜DSML｜parameter name=\"b\" string=\"false\">1", "</｜DSML｜invoke>\n", "<｜DSML｜invoke name=\"g\">\n", "</｜DSML｜tool_calls>",
}

// brokenKey finds keys of parameters that the oracle prints as they are, which
// is not JSON, or cuts at a space.
var brokenKey = regexp.MustCompile(`parameter name="[^"]*([\x00-\x20\\]|"[^ ])`)

func TestOracleOutputs(t *testing.T) {
	o := startOracle(t)
	calls := 0
	rapid.Check(t, func(t *rapid.T) {
		from := outputPieces
		if rapid.Bool().Draw(t, "calls") {
			from = append(callTexts, oneOf(t, "one", outputPieces...), oneOf(t, "two", outputPieces...))
		}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), 0, 14).Draw(t, "text"), "")
		name := oneOf(t, "dialect", "deepseek-v4", "deepseek-v4.1")
		if brokenKey.MatchString(text) {
			return
		}
		start := oneOf(t, "start", "content", "content", "reasoning", "content-continued", "reasoning-continued", "tool-calls")
		opts := chat.ParserOptions{Tools: !sometimes(t, "no tools", 5), JSON: sometimes(t, "json", 6), Stop: oneOf(t, "stop", nil, nil, []string{"STOP"}, []string{"\n\n"}, []string{"OP", "STOP"}, []string{"a\n", "b"}, []string{"<"}, []string{"\n"})}
		cut := rapid.Bool().Draw(t, "cut")
		// The oracle gets one character at a time: of a text that ends within a
		// tag it sometimes makes something else when it gets it whole.
		var want reply
		o.ask(t, object{"op": "parse", "v41": name == "deepseek-v4.1", "start": start, "chunks": strings.Split(text, ""), "tools": opts.Tools, "json": opts.JSON, "stop": append([]string{}, opts.Stop...), "cut": cut}, &want)
		d, _ := New(name)
		got := parse(t, d.NewParser(startOf(t, start), opts), cuts(t, text), cut)
		if opts.JSON {
			want.Content, got.Content = strings.TrimSpace(want.Content), strings.TrimSpace(got.Content)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s from %s, %+v, cut %v: %q\n(-want +got)\n%s", name, start, opts, cut, text, diff)
		}
		if len(got.Calls) > 0 {
			calls++
		}
	})
	t.Logf("%d answers with calls", calls)
}
