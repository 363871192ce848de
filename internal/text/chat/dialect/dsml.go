package dialect

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// dsml is the markup of calls from V3.2 on: tags that begin with a special
// token, one element for each argument.
type dsml struct {
	gap   string // between the token and a tag's name
	block string // the name of the element that holds all calls
	rules value.Rules
	style value.Style
	blank bool // a call without arguments has an empty line between its tags
	// raw, for arguments that are no JSON object: one parameter named arguments
	// holds the text; otherwise they are an error.
	raw bool
}

// tag writes "<", the token and the rest of a tag.
func (d *dsml) tag(w *writer, open string, rest ...string) {
	w.text(open)
	w.token(tokDSML)
	w.text(d.gap)
	w.text(rest...)
}

// openBlock writes what stands before the calls.
func (d *dsml) openBlock(w *writer) {
	w.text("\n\n")
	d.tag(w, "<", d.block, ">\n")
}

// calls writes a block of calls.
func (d *dsml) calls(w *writer, calls []chat.ToolCall) error {
	d.openBlock(w)
	for i := range calls {
		c := &calls[i]
		d.tag(w, "<", `invoke name="`, c.Name, "\">\n")
		if err := d.arguments(w, c); err != nil {
			return err
		}
		d.tag(w, "</", "invoke>\n")
	}
	d.tag(w, "</", d.block, ">")
	return nil
}

// arguments writes one element for each top-level key.
func (d *dsml) arguments(w *writer, c *chat.ToolCall) error {
	v, err := d.rules.Parse(c.Arguments)
	if err != nil || v.Kind != value.Object {
		if !d.raw || err == nil && v.Kind == value.Array && d.rules.Python {
			return fmt.Errorf("the arguments of a call of %q are not a JSON object", c.Name)
		}
		d.parameter(w, "arguments", c.Arguments, true)
		return nil
	}
	for i := range v.Fields {
		f := &v.Fields[i]
		if f.Value.Kind == value.String {
			d.parameter(w, f.Key, f.Value.Text, true)
		} else {
			d.parameter(w, f.Key, d.style.Print(&f.Value), false)
		}
	}
	if len(v.Fields) == 0 && d.blank {
		w.text("\n")
	}
	return nil
}

func (d *dsml) parameter(w *writer, name, text string, isString bool) {
	kind := `" string="false">`
	if isString {
		kind = `" string="true">`
	}
	d.tag(w, "<", `parameter name="`, name, kind, text)
	d.tag(w, "</", "parameter>\n")
}

// format writes the wish for JSON that follows a schema.
func (d *dsml) format(w *writer, out *chat.Output) error {
	schema := `{"type": "json_object"}`
	switch out.Kind {
	case chat.OutputText:
		return nil
	case chat.OutputSchema:
		v, err := d.rules.Parse(string(out.Schema))
		if err != nil {
			return fmt.Errorf("the schema of the answer: %w", err)
		}
		schema = d.style.Print(&v)
	}
	w.text("\n\n## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n", schema)
	return nil
}
