package grammar

import (
	"slices"
	"strings"
	"sync"

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
	objects, err := c.objects()
	if err != nil {
		return nil, err
	}
	var alts []*node
	for _, l := range objects {
		n, err := d.parameters(c, l)
		if err != nil {
			return nil, err
		}
		if isNullable(n) {
			n = alt(n, lit("\n"))
		}
		alts = append(alts, n)
	}
	return seq(d.open(`invoke name="`+t.Name+`">`+"\n"), alt(alts...), d.close("invoke"), lit("\n")), nil
}

// parameters is the arguments of one alternative of a tool's schema.
func (d dsml) parameters(c *toolCompiler, l *schema) (*node, error) {
	if l.enum != nil {
		var alts []*node
		for _, v := range l.enum {
			if v.kind != kObject {
				continue
			}
			n, err := d.fixed(v)
			if err != nil {
				return nil, located(l.path, err)
			}
			alts = append(alts, n)
		}
		return alt(alts...), nil
	}
	if l.anyObject() && !c.o.Open {
		return nothing, nil
	}
	m := &members{min: l.minProps, max: l.maxProps, any: c.o.AnyOrder, sep: nothing}
	props, err := c.allProps(l)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range props {
		if err := checkName(p.name); err != nil {
			return nil, &SchemaError{Path: pointer(pointer(l.path, "properties"), p.name), Err: err}
		}
		n, err := d.parameter(c, lit(p.name), p.s)
		if err != nil {
			return nil, err
		}
		names = append(names, p.name)
		m.listed = append(m.listed, member{n, slices.Contains(l.required, p.name)})
	}
	err = c.extras(l, names, func(name *dfa, s *schema) error {
		// Names beyond the listed ones are kept to those of identifiers.
		id, err := toDFA(c.work, repeat(runes('-', '.', '0', '9', 'A', 'Z', '_', '_', 'a', 'z'), 1, 64))
		if err == nil {
			id, err = intersect(c.work, id, name)
		}
		if err != nil {
			if isEmpty(err) {
				return nil
			}
			return located(s.path, err)
		}
		n, err := d.parameter(c, &node{op: opDFA, dfa: id}, s)
		m.extra = append(m.extra, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(m.extra) > 0 && m.min > 1 && m.min > len(l.required) {
		return nil, schemaError(pointer(l.path, "minProperties"), "%d cannot be enforced where names are free, since they may repeat", m.min)
	}
	if len(m.extra) == 0 && m.max >= len(m.listed) {
		m.max = -1
	}
	return ruleOf("parameters", &node{op: opMembers, members: m}), nil
}

// parameter is one argument: text as it is if the value is a string, else JSON.
func (d dsml) parameter(c *toolCompiler, name *node, s *schema) (*node, error) {
	leaves, err := c.leaves(s)
	if err != nil {
		return nil, err
	}
	var texts, values []*node
	for _, l := range leaves {
		if l.types&kString != 0 {
			n, err := c.rawText(l)
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

// fixed is the parameters of a given object.
func (d dsml) fixed(v *value) (*node, error) {
	var parts []*node
	for i, k := range v.keys {
		if err := checkName(k); err != nil {
			return nil, err
		}
		x := v.vals[i]
		text, kind := x.text(), "false"
		if x.kind == kString {
			text, kind = x.str, "true"
		}
		if strings.Contains(text, dsmlToken) {
			return nil, errMarkup
		}
		parts = append(parts, d.open(`parameter name="`+k+`" string="`+kind+`">`), lit(text), d.close("parameter"), lit("\n"))
	}
	return seq(parts...), nil
}

// rawText is a string written as it is, up to a closing tag: the mark of the
// tags cannot be part of it.
func (c *compiler) rawText(s *schema) (*node, error) {
	if s.enum != nil {
		var texts []string
		for _, v := range s.enum {
			if v.kind != kString {
				continue
			}
			if strings.Contains(v.str, dsmlToken) {
				return nil, errMarkup
			}
			texts = append(texts, v.str)
		}
		if len(texts) == 0 {
			return never, nil
		}
		return choice(texts)
	}
	if s.plainString() {
		free, err := freeText()
		return call(free), err
	}
	d, err := c.textDFA(s)
	if isEmpty(err) {
		return never, nil
	}
	if err != nil {
		return nil, err
	}
	if d == nil {
		one := ruleOf("character", &node{op: opSet, set: complement(charsOf("｜"))})
		return ruleOf("text", repeat(one, s.minLen, s.maxLen)), nil
	}
	free, err := withoutDFA(c.work, []string{dsmlToken})
	if err != nil {
		return nil, err
	}
	d, err = product(c.work, d, free, false)
	if isEmpty(err) {
		return never, nil
	}
	return ruleOf("text", &node{op: opDFA, dfa: d}), err
}

// freeText is the rule of any string, one for all parameters, so that they share
// its masks.
var freeText = sync.OnceValues(func() (*rule, error) {
	n, err := textWithout([]string{dsmlToken})
	return &rule{name: "text", body: n}, err
})
