package grammar

import (
	"slices"
	"strings"
	"sync"
)

// A tagger writes arguments each in tags of its own.
type tagger interface {
	// parameter is one argument. known is its name, empty if that is one of many.
	parameter(c *toolCompiler, name *node, known string, s *schema) (*node, error)
	// fixed is one argument with a given value.
	fixed(c *toolCompiler, name string, x *value) (*node, error)
}

// tagged is the arguments of a tool in tags; empty is what may stand for none.
func (c *toolCompiler) tagged(w tagger, empty string) (*node, error) {
	objects, err := c.objects()
	if err != nil {
		return nil, err
	}
	var alts []*node
	for _, l := range objects {
		n, err := c.parameters(w, l)
		if err != nil {
			return nil, err
		}
		if empty != "" && isNullable(n) {
			n = alt(n, lit(empty))
		}
		alts = append(alts, n)
	}
	return alt(alts...), nil
}

// parameters is the arguments of one alternative of a tool's schema.
func (c *toolCompiler) parameters(w tagger, l *schema) (*node, error) {
	if l.enum != nil {
		return c.fixedObjects(w, l)
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
		n, err := w.parameter(c, lit(p.name), p.name, p.s)
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
		n, err := w.parameter(c, &node{op: opDFA, dfa: id}, "", s)
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

// fixedObjects is the arguments where the schema lists them whole.
func (c *toolCompiler) fixedObjects(w tagger, l *schema) (*node, error) {
	var alts []*node
	for _, v := range l.enum {
		if v.kind != kObject {
			continue
		}
		var parts []*node
		for i, k := range v.keys {
			err := checkName(k)
			if err == nil {
				var n *node
				n, err = w.fixed(c, k, v.vals[i])
				parts = append(parts, n)
			}
			if err != nil {
				return nil, located(l.path, err)
			}
		}
		alts = append(alts, seq(parts...))
	}
	return alt(alts...), nil
}

// rawText is a string written as it is, up to a tag whose mark it cannot have.
func (c *compiler) rawText(s *schema, mark string) (*node, error) {
	if s.enum != nil {
		var texts []string
		for _, v := range s.enum {
			if v.kind != kString {
				continue
			}
			if strings.Contains(v.str, mark) {
				return nil, errMarkup(mark)
			}
			texts = append(texts, v.str)
		}
		if len(texts) == 0 {
			return never, nil
		}
		return choice(texts)
	}
	if s.plainString() {
		free, err := freeText(mark)
		return call(free), err
	}
	d, err := c.textDFA(s)
	if isEmpty(err) {
		return never, nil
	}
	if err != nil {
		return nil, err
	}
	if d == nil { // characters are counted: without the first of the mark
		first := []rune(mark)[0]
		one := ruleOf("character", &node{op: opSet, set: complement([]runeRange{{first, first}})})
		return ruleOf("text", repeat(one, s.minLen, s.maxLen)), nil
	}
	free, err := withoutDFA(c.work, []string{mark})
	if err != nil {
		return nil, err
	}
	d, err = product(c.work, d, free, false)
	if isEmpty(err) {
		return never, nil
	}
	return ruleOf("text", &node{op: opDFA, dfa: d}), err
}

var freeTexts sync.Map // mark -> *rule

// freeText is the rule of any string, one for all parameters, so that they share
// its masks.
func freeText(mark string) (*rule, error) {
	if r, ok := freeTexts.Load(mark); ok {
		return r.(*rule), nil
	}
	n, err := textWithout([]string{mark})
	if err != nil {
		return nil, err
	}
	r, _ := freeTexts.LoadOrStore(mark, &rule{name: "text", body: n})
	return r.(*rule), nil
}
