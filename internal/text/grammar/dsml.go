package grammar

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// dsmlToken is DeepSeek's mark for its own tags, a single token where the
// vocabulary has it.
const dsmlToken = "｜DSML｜"

// dsml writes the tags of one form of the markup.
type dsml struct{ prefix string }

func (d dsml) open(rest string) *node {
	return seq(lit("<"), special(dsmlToken), lit(d.prefix+rest))
}

func (d dsml) close(name string) *node {
	return seq(lit("</"), special(dsmlToken), lit(d.prefix+name+">"))
}

func dsmlMarkup(block, prefix string) *markup {
	d := dsml{prefix}
	return &markup{
		open:    seq(d.open(block + ">\n")),
		close:   d.close(block),
		between: nothing,
		markers: []string{"<｜", "</｜", dsmlToken},
		call:    d.call,
	}
}

// call is one invocation: a parameter for each argument, in lines of their own.
// A call without arguments may have an empty line.
func (d dsml) call(c *toolCompiler, t chat.Tool) (*node, error) {
	args, err := c.tagged(d, "\n")
	if err != nil {
		return nil, err
	}
	return seq(d.open(`invoke name="`+t.Name+`">`+"\n"), args, d.close("invoke"), lit("\n")), nil
}

// parameter is one argument: text as it is if the value is a string, else JSON.
func (d dsml) parameter(c *toolCompiler, name *node, _ string, s *schema) (*node, error) {
	leaves, err := c.leaves(s)
	if err != nil {
		return nil, err
	}
	var texts, values []*node
	for _, l := range leaves {
		if l.types&kString != 0 {
			n, err := c.rawText(l, dsmlToken)
			if err != nil {
				return nil, located(l.path, err)
			}
			texts = append(texts, n)
		}
		if l.types&^kString != 0 {
			n, err := c.leaf(l, kAll&^kString)
			if err != nil {
				return nil, err
			}
			values = append(values, n)
		}
	}
	return seq(d.open(`parameter name="`), name, lit(`" string="`), alt(
		seq(lit(`true">`), alt(texts...)),
		seq(lit(`false">`), alt(values...)),
	), d.close("parameter"), lit("\n")), nil
}

// fixed is one argument with a given value.
func (d dsml) fixed(_ *toolCompiler, name string, x *value) (*node, error) {
	text, kind := x.text(), "false"
	if x.kind == kString {
		text, kind = x.str, "true"
	}
	if strings.Contains(text, dsmlToken) {
		return nil, errMarkup(dsmlToken)
	}
	return seq(d.open(`parameter name="`+name+`" string="`+kind+`">`), lit(text), d.close("parameter"), lit("\n")), nil
}
