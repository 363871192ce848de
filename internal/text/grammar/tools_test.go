package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/chattest"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect"
)

var allStyles = []Style{
	StyleHermes, StyleDeepSeekV3, StyleDeepSeekV31, StyleDSMLV32, StyleDSMLV4, StyleDSMLV41, StyleLlama,
	StyleKimi, StyleQwenCoder, StyleGLM, StyleMiniMax, StyleMistralList, StyleMistralID, StyleMistral,
}

var dialectOf = map[Style]string{
	StyleDeepSeekV3: "deepseek-v3", StyleDeepSeekV31: "deepseek-v3.1", StyleDSMLV32: "deepseek-v3.2",
	StyleDSMLV4: "deepseek-v4", StyleDSMLV41: "deepseek-v4.1",
}

// parserOf is the parser of a style.
func parserOf(t testing.TB, style Style, start chat.ParseStart, tools []chat.Tool) chat.Parser {
	t.Helper()
	var f chat.Format
	var err error
	form := strings.Replace(style.String(), "llama", chat.CallsLlama, 1)
	if name := dialectOf[style]; name != "" {
		f, err = dialect.New(name)
	} else {
		f, err = chat.ForModel(chat.ModelInfo{Template: chattest.Templates[form]}, chat.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if i := f.Info(); dialectOf[style] == "" && i.Calls != form {
		t.Fatalf("the template for %v is taken for one of %q", style, i.Calls)
	}
	return f.NewParser(start, chat.ParserOptions{Tools: true, Names: []string{"tool_0", "tool_1", "tool_2", "nothing"}, Declared: tools})
}

// readCalls reads an answer as the model's own parser does.
func readCalls(t testing.TB, style Style, start chat.ParseStart, tools []chat.Tool, text string) (content string, calls []chat.ToolCall) {
	t.Helper()
	p := parserOf(t, style, start, tools)
	for _, e := range append(p.Push(text), p.Close(false)...) {
		switch e := e.(type) {
		case chat.TextDelta:
			content += e.Text
		case chat.ToolCallDelta:
			for len(calls) <= e.Index {
				calls = append(calls, chat.ToolCall{})
			}
			calls[e.Index].Name += e.Name
			calls[e.Index].Arguments += e.Arguments
		}
	}
	return content, calls
}

// TestGoldenRandomToolCalls draws answers at random: what the model's own
// parser reads from them are calls of the given tools with valid arguments.
func TestGoldenRandomToolCalls(t *testing.T) {
	t.Parallel()
	all := proofVocabularies(t)
	for i := range proofCases(t) / 3 {
		r := rand.New(rand.NewPCG(11, uint64(i)))
		style := allStyles[i%len(allStyles)]
		var tools []chat.Tool
		for k := range 1 + r.IntN(3) {
			s := randomObject(randDice{r}, 1+r.IntN(2))
			tools = append(tools, chat.Tool{Name: fmt.Sprintf("tool_%d", k), Parameters: json.RawMessage(toolSchema(s))})
		}
		if r.IntN(4) == 0 {
			tools = append(tools, chat.Tool{Name: "nothing"})
		}
		o := ToolOptions{Choice: chat.ToolChoice{Mode: chat.ToolRequired}, Single: r.IntN(3) == 0, JSON: Options{AnyOrder: r.IntN(4) == 0, Open: r.IntN(4) == 0}}
		start := chat.StartContent
		switch r.IntN(4) {
		case 0:
			o.Choice.Mode = chat.ToolAuto
		case 1:
			o.Choice = chat.ToolChoice{Mode: chat.ToolNamed, Name: tools[0].Name}
		case 2:
			if strings.HasPrefix(style.String(), "dsml") {
				o.Opened, start = true, chat.StartToolCalls
			}
		}
		g, err := ToolCalls(style, tools, o)
		if isEmpty(err) {
			continue
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, tools[0].Parameters)
		}
		v := all[r.IntN(len(all))]
		m, err := NewMatcher(g, v)
		if err != nil {
			t.Fatal(err)
		}
		text := generate(t, m, v, r, 5+r.IntN(60))
		checkCalls(t, style, tools, o, start, text)
	}
}

// toolSchema is a schema of an object with its definitions. A quote in a name
// cannot be written in every markup.
func toolSchema(s shape) string { return strings.ReplaceAll(rootOf(s), `q\"t`, "qt") }

func checkCalls(t *testing.T, style Style, tools []chat.Tool, o ToolOptions, start chat.ParseStart, text string) {
	t.Helper()
	content, calls := readCalls(t, style, start, tools, text)
	if o.Choice.Mode != chat.ToolAuto && (len(calls) == 0 || strings.Trim(content, "\n") != "") {
		t.Fatalf("%v: %d calls and content %q in %q", style, len(calls), content, text)
	}
	if o.Single && len(calls) > 1 {
		t.Fatalf("%v: %d calls in %q", style, len(calls), text)
	}
	if strings.Contains(content, "DSML") || strings.Contains(content, "<｜tool") || strings.Contains(content, "tool_call") || strings.Contains(content, "[TOOL_CALLS") {
		t.Fatalf("%v: markup leaks into %q", style, content)
	}
	for _, c := range calls {
		found := false
		for _, tool := range tools {
			if tool.Name != c.Name || o.Choice.Mode == chat.ToolNamed && tool.Name != o.Choice.Name {
				continue
			}
			found = true
			schema := string(tool.Parameters)
			if schema == "" {
				schema = `{"type":"object","maxProperties":0}`
			}
			validate(t, validator(t, schema), schema+"\nfrom "+text, c.Arguments)
		}
		if !found {
			t.Fatalf("%v: a call of %q in %q", style, c.Name, text)
		}
	}
}

// TestToolCallTexts: what models write, as in the prompt formats, is accepted.
func TestToolCallTexts(t *testing.T) {
	tools := []chat.Tool{
		{Name: "get_weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"type":["string","null"],"enum":["c","f",null]}},"required":["city"]}`)},
		{Name: "ping"},
	}
	marks := []string{
		dsmlToken, "<tool_call>", "</tool_call>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>",
		"<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>",
		"<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<minimax:tool_call>", "</minimax:tool_call>", "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]",
	}
	withMarks := toyVocabulary(nil, marks)
	f := func(style Style, o ToolOptions, text string, want bool) {
		t.Helper()
		g, err := ToolCalls(style, tools, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []*Vocabulary{bare, withMarks} {
			m, err := NewMatcher(g, v)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.AcceptBytes([]byte(text)) == nil && m.Done(); got != want {
				t.Errorf("%v %+v takes %q: %v", style, o, text, got)
			}
		}
	}
	auto, must := ToolOptions{}, ToolOptions{Choice: chat.ToolChoice{Mode: chat.ToolRequired}}
	none := ToolOptions{Choice: chat.ToolChoice{Mode: chat.ToolNone}}
	named := ToolOptions{Choice: chat.ToolChoice{Mode: chat.ToolNamed, Name: "ping"}}

	weather := "<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">Pa\"ris</b>\n</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" string=\"false\">3</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
	ping := "<｜DSML｜invoke name=\"ping\">\n</｜DSML｜invoke>\n"
	open, end := "<｜DSML｜tool_calls>\n", "</｜DSML｜tool_calls>"
	f(StyleDSMLV4, auto, "Just text < with </ things", true)
	f(StyleDSMLV4, auto, "Let me look.\n\n"+open+weather+ping+end, true)
	f(StyleDSMLV4, auto, open+ping+end, true)
	f(StyleDSMLV4, auto, open+end, false)
	f(StyleDSMLV4, auto, open+ping+end+"more", false)
	f(StyleDSMLV4, auto, "a ｜DSML｜ in text", false)
	f(StyleDSMLV4, must, "\n\n"+open+weather+end, true)
	f(StyleDSMLV4, must, "text"+open+weather+end, false)
	f(StyleDSMLV4, must, "", false)
	f(StyleDSMLV4, none, "text", true)
	f(StyleDSMLV4, none, open, false)
	f(StyleDSMLV4, named, open+ping+end, true)
	f(StyleDSMLV4, named, open+weather+end, false)
	f(StyleDSMLV4, ToolOptions{Opened: true, Single: true}, ping+end, true)
	f(StyleDSMLV4, ToolOptions{Opened: true, Single: true}, ping+ping+end, false)
	f(StyleDSMLV4, must, open+"<｜DSML｜invoke name=\"ping\">\n\n</｜DSML｜invoke>\n"+end, true)
	f(StyleDSMLV4, must, open+strings.Replace(weather, `"days" string="false"`, `"days" string="true"`, 1)+end, false)
	f(StyleDSMLV4, must, open+strings.Replace(weather, ">3<", `>"3"<`, 1)+end, false)
	f(StyleDSMLV4, must, open+"<｜DSML｜invoke name=\"get_weather\">\n</｜DSML｜invoke>\n"+end, false)
	unit := "<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\"></｜DSML｜parameter>\n<｜DSML｜parameter name=\"unit\" string=\"%s</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
	f(StyleDSMLV4, must, open+fmt.Sprintf(unit, `true">c`)+end, true)
	f(StyleDSMLV4, must, open+fmt.Sprintf(unit, `false">null`)+end, true)
	f(StyleDSMLV4, must, open+fmt.Sprintf(unit, `true">k`)+end, false)
	f(StyleDSMLV32, must, "<｜DSML｜function_calls>\n"+weather+"</｜DSML｜function_calls>", true)
	f(StyleDSMLV41, must, strings.NewReplacer("｜DSML｜", "｜DSML｜ ", "tool_calls", "calls").Replace(open+weather+end), true)

	f(StyleDeepSeekV31, must, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Paris\"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>ping<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", true)
	f(StyleDeepSeekV31, must, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"town\": \"Paris\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", false)
	fenced := "<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Paris\"}\n```<｜tool▁call▁end｜>"
	f(StyleDeepSeekV3, must, "<｜tool▁calls▁begin｜>"+fenced+"\n"+fenced+"<｜tool▁calls▁end｜>", true)
	f(StyleDeepSeekV3, auto, "Let me look.\n\n<｜tool▁calls▁begin｜>"+fenced+"<｜tool▁calls▁end｜>", true)
	f(StyleHermes, must, "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 2}}\n</tool_call>\n<tool_call>\n{\"name\": \"ping\", \"arguments\": {}}\n</tool_call>", true)
	lookup := `{"name": "get_weather", "parameters": {"city": "Paris"}}`
	f(StyleLlama, must, lookup, true)
	f(StyleLlama, auto, lookup, true)
	f(StyleLlama, must, lookup+"; "+lookup, false)
	f(StyleLlama, auto, "Just {text}.", true)
	f(StyleLlama, auto, "", true)
	f(StyleLlama, auto, "{text}.", false)
	f(StyleLlama, auto, "\n {text}.", false)
	f(StyleLlama, none, lookup, false)
	pings := strings.Repeat("\n<tool_call>\n{\"name\": \"ping\", \"arguments\": {}}\n</tool_call>", 33)
	one := len(pings) / 33
	kimi := func(id, args string) string {
		return "<|tool_call_begin|>" + id + "<|tool_call_argument_begin|>" + args + "<|tool_call_end|>"
	}
	section, over := "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
	f(StyleKimi, must, section+kimi("functions.get_weather:0", `{"city": "Pa<|tool_call_end>ris"}`)+kimi("functions.ping:1", "{}")+over, true)
	f(StyleKimi, auto, "I look."+section+kimi("functions.ping:12", "{}")+over, true)
	f(StyleKimi, must, section+kimi("ping:0", "{}")+over, false)
	f(StyleKimi, must, section+kimi("functions.ping:0", "{}"), false)
	f(StyleKimi, none, "<|tool_call_begin|>", false)
	coder := "<tool_call>\n<function=get_weather>\n%s</function>\n</tool_call>"
	city := "<parameter=city>\nPa\"ris\n</b>\n</parameter>\n"
	f(StyleQwenCoder, auto, "I look.\n"+fmt.Sprintf(coder, city+"<parameter=days>\n3\n</parameter>\n")+"\n<tool_call>\n<function=ping>\n</function>\n</tool_call>", true)
	f(StyleQwenCoder, must, fmt.Sprintf(coder, city+"<parameter=unit>\nnull\n</parameter>\n"), true)
	f(StyleQwenCoder, must, fmt.Sprintf(coder, city+"<parameter=unit>\nk\n</parameter>\n"), false)
	f(StyleQwenCoder, must, fmt.Sprintf(coder, city+"<parameter=days>\nthree\n</parameter>\n"), false)
	f(StyleQwenCoder, must, fmt.Sprintf(coder, ""), false)
	f(StyleQwenCoder, auto, "<function=ping>", false)
	f(StyleGLM, must, "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>ping\n</tool_call>", true)
	f(StyleGLM, must, "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call><tool_call>ping</tool_call>", true)
	f(StyleMiniMax, must, "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Paris</parameter>\n</invoke>\n<invoke name=\"ping\">\n</invoke>\n</minimax:tool_call>", true)
	f(StyleMistralList, must, `[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "aB3456789"}, {"name": "ping", "arguments": {}}]`, true)
	f(StyleMistralList, must, `[TOOL_CALLS][{"name": "ping", "arguments": {}, "id": "short"}]`, false)
	f(StyleMistralID, auto, `I look.[TOOL_CALLS]get_weather[CALL_ID]aB3456789[ARGS]{"city": "Paris"}[TOOL_CALLS]ping[CALL_ID]aB3456780[ARGS]{}`, true)
	f(StyleMistral, must, `[TOOL_CALLS]ping[ARGS]{}`, true)
	f(StyleMistral, must, `[TOOL_CALLS]ping[CALL_ID]aB3456789[ARGS]{}`, false)
	f(StyleHermes, must, pings[1:32*one], true)
	f(StyleHermes, must, pings[1:], false)
	f(StyleHermes, must, "<tool_call>\n{\"name\": \"gone\", \"arguments\": {}}\n</tool_call>", false)
}

func TestToolErrors(t *testing.T) {
	f := func(tools []chat.Tool, o ToolOptions, words ...string) {
		t.Helper()
		_, err := ToolCalls(StyleDSMLV4, tools, o)
		if err == nil {
			t.Errorf("no error for %v", tools)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
	tool := func(name, schema string) []chat.Tool {
		return []chat.Tool{{Name: name, Parameters: json.RawMessage(schema)}}
	}
	f(nil, ToolOptions{}, "no tools")
	f(tool("a", `{}`), ToolOptions{Choice: chat.ToolChoice{Mode: chat.ToolNamed, Name: "b"}}, `"b"`)
	f(tool("", `{}`), ToolOptions{}, "empty")
	f(tool("a\"b", `{}`), ToolOptions{}, `a\"b`)
	f(append(tool("a", `{}`), tool("a", `{}`)...), ToolOptions{}, "two tools")
	f(tool("a", `{"type":"string"}`), ToolOptions{}, `tool "a"`, "object")
	f(tool("a", `{"type":"object","properties":{"x":{"not":{}}}}`), ToolOptions{}, `tool "a"`, "#/properties/x/not")
	f(tool("a", `{"type":"object","properties":{"x<":{}}}`), ToolOptions{}, `x<`)
	f(tool("a", `{"type":"object","properties":{"x":{"const":"a｜DSML｜b"}}}`), ToolOptions{}, "DSML")
	if _, err := ToolCalls(StyleMistral, tool("a[b", `{}`), ToolOptions{}); err == nil || !strings.Contains(err.Error(), "a[b") {
		t.Errorf("error %v", err)
	}
	if _, err := ToolCalls(StyleGLM, tool("a", `{"type":"object","properties":{"x":{"enum":["</arg_value>"]}}}`), ToolOptions{}); err == nil || !strings.Contains(err.Error(), "arg_value") {
		t.Errorf("error %v", err)
	}
	if _, err := ToolCalls(Style(99), tool("a", `{}`), ToolOptions{}); err == nil {
		t.Error("style 99 is taken")
	}
	var se *SchemaError
	if _, err := ToolCalls(StyleHermes, tool("a", `{"if":1}`), ToolOptions{}); !errors.As(err, &se) || se.Path != "#/if" {
		t.Errorf("error %v", err)
	}
}

func TestThinking(t *testing.T) {
	answer := Text("42")
	f := func(opened bool, text string, want bool) {
		t.Helper()
		g, err := Thinking(answer, opened, dsmlToken)
		if err != nil {
			t.Fatal(err)
		}
		if got := matches(t, g, text); got != want {
			t.Errorf("opened %v: %q: %v", opened, text, got)
		}
	}
	f(true, "let me think\n</think>\n\n42", true)
	f(true, "</think>42", true)
	f(true, "42", false)
	f(true, "a</think>b</think>42", false)
	f(true, "｜DSML｜</think>42", false)
	f(false, "<think>hm</think>42", true)
	f(false, "42", true)
	f(false, "hm</think>42", false)
}
