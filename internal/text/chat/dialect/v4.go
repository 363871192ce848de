package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/strict"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// ErrThinkingChoice is returned by V4 and V4.1 for a call that is required
// while reasoning is explicitly on: the call would have to come first.
var ErrThinkingChoice = errors.New("thinking mode does not support this tool choice: a required call comes before any reasoning")

// v4Tools is the text before the list of tools; @ is the gap in tags and
// BLOCK the element that holds the calls.
const v4Tools = `

## Tools

You have access to a set of tools to help answer the user's question. You can invoke tools by writing a "<｜DSML｜@BLOCK>" block like the following:

<｜DSML｜@BLOCK>
<｜DSML｜@invoke name="$TOOL_NAME">
<｜DSML｜@parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜@parameter>
...
</｜DSML｜@invoke>
<｜DSML｜@invoke name="$TOOL_NAME2">
...
</｜DSML｜@invoke>
</｜DSML｜@BLOCK>

String parameters should be specified as is and set ` + "`string=\"true\"`" + `. For all other types (numbers, booleans, arrays, objects), pass the value in JSON format and set ` + "`string=\"false\"`" + `.

If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside <think>...</think> BEFORE any tool calls or final response.

Otherwise, output directly after </think> with tool calls or final response.

### Available Tool Schemas

`

const v4ToolsEnd = "\nYou MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.\n"

// v4Kind is what differs between the formats of V4.
type v4Kind struct {
	dsml
	effort func(name string) string
	// april: systems stay where they are with nothing around them, the
	// assistant token belongs to the user's turn, tools are printed as sent.
	april bool
	// v41: a token opens the prompt's head and each later system message.
	v41 bool
}

var (
	v4April = v4Kind{dsml: dsml{block: "tool_calls", rules: value.Rules{Python: true}, blank: true, raw: true}, effort: effortApril, april: true}
	v4      = v4Kind{dsml: dsml{block: "tool_calls", style: value.Style{Floats: value.SerdeFloats}, raw: true}, effort: effortV4}
	v41     = v4Kind{dsml: dsml{gap: " ", block: "calls", style: value.Style{Floats: value.SerdePythonFloats}, blank: true, raw: true}, effort: effortV41, v41: true}
)

// listTools writes the tools.
func (k *v4Kind) listTools(w *writer, tools []chat.Tool) error {
	if len(tools) == 0 {
		return nil
	}
	w.markup(strings.NewReplacer("@", k.gap, "BLOCK", k.block).Replace(v4Tools), tokDSML, tokThinkEnd, tokThink)
	for i := range tools {
		v, err := k.function(&tools[i])
		if err != nil {
			return err
		}
		w.text(k.style.Print(&v), "\n")
	}
	w.text(v4ToolsEnd)
	return nil
}

// function returns a tool's declaration. From July 2026 on it has a name, a
// description and parameters in any case, and strict schemas in a normal form.
func (k *v4Kind) function(t *chat.Tool) (value.Value, error) {
	if k.april {
		return function(t)
	}
	v := value.Value{Kind: value.Object}
	params, err := parameters(t)
	if err != nil {
		return v, err
	}
	if t.Strict {
		// A schema beyond the strict subset is refused by DeepSeek's API. Here
		// the model sees it as it is; who needs the refusal asks package strict.
		given := params
		if len(t.Parameters) == 0 {
			given = value.Value{} // no schema at all is one without properties
		}
		if normal, err := strict.Normalize(&given); err == nil {
			params = normal
		}
	}
	v.Set("name", value.Str(t.Name))
	v.Set("description", value.Str(t.Description))
	v.Set("parameters", params)
	return v, nil
}

// jsonWish writes the wish for JSON.
func (k *v4Kind) jsonWish(w *writer, out *chat.Output) error {
	if out.Kind == chat.OutputJSON && !k.v41 && !k.april {
		w.text("\n\nYou are a helpful assistant designed to output JSON.\n## Response Format:\n\nReply with JSON object ONLY.")
		return nil
	}
	return k.format(w, out)
}

// block is a part of a user's turn: a text or a result.
type block struct {
	text   string
	result bool
	order  int // of the call that a result answers
}

// userBlocks collects the user and tool messages from turn i on, and the index
// of the first turn after them.
func userBlocks(turns []turn, i int, order map[string]int) ([]block, int) {
	var blocks []block
	for ; i < len(turns); i++ {
		t := &turns[i]
		switch t.role {
		case chat.ToolRole:
			blocks = append(blocks, block{"<tool_result>" + t.text + "</tool_result>", true, order[t.ToolCallID]})
		case chat.User:
			blocks = append(blocks, block{text: t.text})
		default:
			return sortResults(blocks), i
		}
	}
	return sortResults(blocks), i
}

// sortResults puts the results into the order of their calls, at the places
// where results are.
func sortResults(blocks []block) []block {
	var results []block
	for _, b := range blocks {
		if b.result {
			results = append(results, b)
		}
	}
	slices.SortStableFunc(results, func(a, b block) int { return a.order - b.order })
	for i := range blocks {
		if blocks[i].result {
			blocks[i], results = results[0], results[1:]
		}
	}
	return blocks
}

// user writes a user's turn.
func (k *v4Kind) user(w *writer, blocks []block) {
	w.token(tokUser)
	if !k.v41 && !k.april {
		blocks = joinTexts(blocks)
	}
	for i, b := range blocks {
		if i > 0 {
			w.text("\n\n")
		}
		w.text(b.text)
	}
}

// joinTexts makes one block of texts that follow each other. V4 leaves out
// those that are empty.
func joinTexts(blocks []block) []block {
	out := make([]block, 0, len(blocks))
	for _, b := range blocks {
		n := len(out)
		switch {
		case n == 0 || b.result || out[n-1].result:
			out = append(out, b)
		case out[n-1].text == "":
			out[n-1].text = b.text
		case b.text != "":
			out[n-1].text += "\n\n" + b.text
		}
	}
	return out
}

// learn keeps the order of an assistant's calls for their results.
func learn(order map[string]int, calls []chat.ToolCall) {
	clear(order)
	for i, c := range calls {
		order[c.ID] = i
	}
}

// ordered returns the calls in the order in which they are shown. V4 sorts them
// by id, as DeepSeek's encoder does: ids that sort like the calls keep what the
// model wrote.
func (k *v4Kind) ordered(calls []chat.ToolCall) []chat.ToolCall {
	if k.v41 || k.april {
		return calls
	}
	calls = slices.Clone(calls)
	slices.SortStableFunc(calls, func(a, b chat.ToolCall) int { return strings.Compare(a.ID, b.ID) })
	return calls
}

// checkResults refuses results without a call before them.
func checkResults(turns []turn) error {
	called := false
	for i, t := range turns {
		called = called || len(t.ToolCalls) > 0
		if t.role == chat.ToolRole && !called {
			return fmt.Errorf("message %d is the result of no call", i)
		}
	}
	return nil
}
