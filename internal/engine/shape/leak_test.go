package shape

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/chattest"
	_ "github.com/holdfast-llm/holdfast/internal/text/chat/dialect" // the native formats
	"github.com/holdfast-llm/holdfast/internal/text/grammar"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// Two tools, one of them with texts that may hold anything.
var leakTools = map[string]string{
	"weather": `{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":9}},"required":["city"],"additionalProperties":false}`,
	"note":    `{"type":"object","properties":{"text":{"type":"string"},"tags":{"type":"array","items":{"type":"string","maxLength":9},"maxItems":3}},"required":["text","tags"],"additionalProperties":false}`,
}

// temptations are what a model says that mixes the markup up.
var temptations = []string{
	"<tool_call>", "</tool_call>", "<tool_call", "</tool", "<tool_call>\n{\"name\": \"weather\"", "<｜tool▁calls▁begin｜>",
	"<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>", "<｜DSML｜tool_calls>", "</｜DSML｜", "<｜DSML｜function_calls>\n<｜DSML｜invoke",
	"<｜D", "<think>", "</think>", "</think>\n\n", "<", "\n", "\n```", "a < b", "\"", "\"}", "}", "weather", "｜DSML｜", "<｜User｜>",
	"<|tool_calls_section_begin|>", "<|tool_call_begin|>functions.weather:0", "<|tool_call_argument_begin|>", "<|tool_call_end|>", "<|tool_calls_section_end|>", "<|tool_",
	"<function=weather>\n", "<function", "<parameter=city>\n", "</parameter>\n", "\n</param", "</function>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "</arg_",
	"<minimax:tool_call>", "<invoke name=\"weather\">", "</invoke>", "[TOOL_CALLS]", "[TOOL_CALLS][", "[TOOL_", "weather[ARGS]{", "[CALL_ID]", "[ARGS]", "[THINK]", "[/THINK]", "null", "{", "[1",
}

func vocabulary(t testing.TB, name string) *tokenizer.Tokenizer {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(golden.Dir(t, "tokenizers"), name, "vocab.gguf.gz"))
	if err != nil {
		t.Skipf("no vocabulary %s: %v", name, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.OpenBytes(name, data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestNoMarkupLeaks lets nobody's model answer at random, with a liking for pieces
// of markup in the wrong places: whatever it says, text and reasoning have no part
// of a tag, and calls satisfy their schemas. HOLDFAST_LEAKS is the number of
// answers for each format, way to choose, and vocabulary.
func TestNoMarkupLeaks(t *testing.T) {
	n := 4
	if s := os.Getenv("HOLDFAST_LEAKS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for _, vocab := range []string{"smollm", "deepseek-v4"} {
		tok := vocabulary(t, vocab)
		shapes := New(tok)
		for _, format := range []string{
			"hermes", "deepseek-r1", "deepseek-v3.1", "deepseek-v3.2", "deepseek-v4",
			"mistral-think", chat.CallsKimi, chat.CallsQwenCoder, chat.CallsGLM, chat.CallsMiniMax, chat.CallsMistralList, chat.CallsMistralID, chat.CallsMistral,
		} {
			f := leakFormat(t, format)
			for _, mode := range []chat.ToolChoiceMode{chat.ToolRequired, chat.ToolAuto} {
				t.Run(vocab+"/"+format+"/"+map[chat.ToolChoiceMode]string{chat.ToolRequired: "required", chat.ToolAuto: "auto"}[mode], func(t *testing.T) {
					l := newLeak(t, tok, shapes, f, mode)
					for i := range n {
						l.answer(uint64(i))
					}
					if !t.Failed() && l.calls == 0 && (mode == chat.ToolRequired || n >= 100) {
						t.Error("no call among all answers")
					}
				})
			}
		}
	}
}

// TestNoMarkupLeaksWithoutSchema is the same for tools whose schemas cannot be
// enforced: arguments are some JSON object then.
func TestNoMarkupLeaksWithoutSchema(t *testing.T) {
	tok := vocabulary(t, "smollm")
	shapes := New(tok)
	for form := range chattest.Templates {
		if form == chat.CallsLlama {
			continue
		}
		l := newLeak(t, tok, shapes, leakFormat(t, form), chat.ToolRequired)
		for i := range l.request.Tools {
			tool := &l.request.Tools[i]
			tool.Parameters = json.RawMessage(strings.Replace(string(tool.Parameters), `"properties":{`, `"properties":{"odd":{"not":{}},`, 1))
			l.schemas[tool.Name] = nil
		}
		for i := range 6 {
			l.answer(uint64(i))
		}
	}
}

func leakFormat(t *testing.T, name string) chat.Format {
	t.Helper()
	o := chat.Options{Template: name}
	if name == "hermes" { // no template shows tools: they are in our own form
		o.Template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n{# <think></think> #}"
	}
	tags := "{# <think></think> #}"
	if name == "mistral-think" {
		name, tags = chat.CallsMistral, "{# [THINK][/THINK] #}"
	}
	own := chattest.Templates[name]
	if own != "" && name != "hermes" {
		o.Template = own + tags
	}
	f, err := chat.ForModel(chat.ModelInfo{}, o)
	if own != "" && (err != nil || f.Info().Calls != name) {
		t.Fatalf("%s is taken for %q, %v", name, f.Info().Calls, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

type leak struct {
	*testing.T
	tok     *tokenizer.Tokenizer
	shapes  *Shapes
	format  chat.Format
	request *chat.Request
	schemas map[string]*jsonschema.Schema
	logits  []float32
	ids     map[string]int32 // of tokens, by what they say
	calls   int
}

func newLeak(t *testing.T, tok *tokenizer.Tokenizer, shapes *Shapes, f chat.Format, mode chat.ToolChoiceMode) *leak {
	l := &leak{T: t, tok: tok, shapes: shapes, format: f, schemas: map[string]*jsonschema.Schema{}, logits: make([]float32, tok.Size()), ids: map[string]int32{}}
	for id := range int32(tok.Size()) {
		l.ids[string(tok.Bytes(id))] = id
	}
	l.request = &chat.Request{Messages: []chat.Message{{Role: chat.User, Content: chat.Text("Go.")}}, ToolChoice: chat.ToolChoice{Mode: mode}}
	for _, name := range []string{"weather", "note"} {
		raw := leakTools[name]
		l.request.Tools = append(l.request.Tools, chat.Tool{Name: name, Parameters: json.RawMessage(raw)})
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
		if l.schemas[name], err = c.Compile(name); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// answer draws one answer and checks what its parser makes of it. Every fourth is cut.
func (l *leak) answer(seed uint64) {
	l.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	// V4 calls at once where it must; the others think first.
	must := l.request.ToolChoice.Mode == chat.ToolRequired
	l.request.Thinking = new(seed%2 == 0 && (!must || l.format.Info().Name != "deepseek-v4"))
	p, err := l.format.Render(l.request)
	if err != nil {
		l.Fatal(err)
	}
	mask, err := l.shapes.Mask(l.format.Info(), l.request, p)
	if err != nil || mask == nil {
		l.Fatalf("mask %v: %v", mask, err)
	}
	cut := seed%4 == 3
	ids := l.draw(mask, r, 8+r.IntN(60), cut)
	parser, detok := l.format.NewParser(p.Start, l.request.ParserOptions()), l.tok.NewStream(true)
	var events []chat.Event
	for _, id := range ids {
		events = append(events, parser.Push(detok.Push(id))...)
	}
	if !cut {
		events = append(events, parser.Push(detok.Flush())...)
	}
	events = append(events, parser.Close(cut)...)
	l.check(events, cut, l.tok.Decode(ids, true))
}

// draw returns an answer's tokens.
func (l *leak) draw(mask engine.Mask, r *rand.Rand, length int, cut bool) (ids []int32) {
	l.Helper()
	var wanted []int32
	for n := range 3000 {
		if n >= length {
			if cut {
				return ids
			}
			wanted = l.closing(mask)
		} else if len(wanted) == 0 && r.IntN(3) == 0 {
			s := temptations[r.IntN(len(temptations))]
			wanted = l.tok.Encode(nil, tokenizer.Span{Text: s, Template: r.IntN(2) == 0})
		}
		var id int32
		if len(wanted) > 0 && mask.Allows(wanted[0]) {
			id, wanted = wanted[0], wanted[1:]
		} else {
			wanted = nil
			if id = l.any(mask, r); id < 0 {
				l.Fatalf("nothing may follow %q", l.tok.Decode(ids, true))
			}
		}
		if l.tok.IsEOG(id) {
			return ids
		}
		mask.Accept(id)
		ids = append(ids, id)
	}
	l.Fatalf("no end: %.200q", l.tok.Decode(ids, true))
	return nil
}

// closing returns a token on the shortest way to the end.
func (l *leak) closing(mask engine.Mask) []int32 {
	text := string(mask.(*grammar.Gate).Matcher().Closing())
	if text == "" {
		return l.tok.EOG()[:1]
	}
	for n := min(len(text), 64); n > 0; n-- {
		if id, ok := l.ids[text[:n]]; ok && mask.Allows(id) {
			return []int32{id}
		}
	}
	return nil
}

// any returns some token that is allowed.
func (l *leak) any(mask engine.Mask, r *rand.Rand) int32 {
	for range 30 {
		if id := r.Int32N(int32(l.tok.Size())); !l.tok.IsEOG(id) && mask.Allows(id) {
			return id
		}
	}
	clear(l.logits)
	mask.Apply(l.logits)
	from := r.IntN(len(l.logits))
	for i := range l.logits {
		if id := (from + i) % len(l.logits); !math.IsInf(float64(l.logits[id]), -1) {
			return int32(id)
		}
	}
	return -1
}

func (l *leak) check(events []chat.Event, cut bool, raw string) {
	l.Helper()
	var text, thoughts string
	var calls []chat.ToolCall
	for _, e := range events {
		switch e := e.(type) {
		case chat.TextDelta:
			text += e.Text
		case chat.ThinkingDelta:
			thoughts += e.Text
		case chat.ToolCallDelta:
			for len(calls) <= e.Index {
				calls = append(calls, chat.ToolCall{})
			}
			calls[e.Index].Name += e.Name
			calls[e.Index].Arguments += e.Arguments
		}
	}
	style, _ := styleOf(l.format.Info())
	for _, tag := range grammar.Markers(style) { // the other formats' markup is text
		if strings.Contains(text, tag) || style != grammar.StyleHermes && strings.Contains(thoughts, tag) {
			l.Errorf("%q in the text %q of %q", tag, text, raw)
		}
	}
	if required := l.request.ToolChoice.Mode == chat.ToolRequired; required && (text != "" || len(calls) == 0 && !cut) {
		l.Errorf("text %q and %d calls of %q", text, len(calls), raw)
	}
	l.calls += len(calls)
	for i, c := range calls {
		if cut && i == len(calls)-1 {
			if style == grammar.StyleDeepSeekV31 && strings.HasSuffix(c.Arguments, "<｜tool▁call") {
				l.Errorf("%q in the arguments of %q", c.Arguments, raw)
			}
			break // it may be half of one
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(c.Arguments))
		if err != nil {
			l.Errorf("arguments %q of %q: %v", c.Arguments, raw, err)
		} else if _, ok := doc.(map[string]any); !ok {
			l.Errorf("arguments %q of %q", c.Arguments, raw)
		} else if s := l.schemas[c.Name]; s == nil {
			continue
		} else if err := s.Validate(doc); err != nil {
			l.Errorf("arguments %q of %q: %v", c.Arguments, raw, err)
		}
	}
}
