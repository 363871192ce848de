package grammar

import (
	"fmt"
	"math/big"
	"slices"
)

func newRat() *big.Rat { return new(big.Rat) }

// node returns the grammar of a schema's JSON values. Each schema becomes a
// rule, so that schemas may contain themselves.
func (c *compiler) node(s *schema) (*node, error) {
	if r, ok := c.memo[s]; ok {
		return call(r), nil
	}
	if c.nodeDepth++; c.nodeDepth > 2000 {
		return nil, &SchemaError{Path: s.path, Err: tooLarge("it nests too deep")}
	}
	defer func() { c.nodeDepth-- }()
	r := &rule{name: s.path}
	c.memo[s] = r
	leaves, err := c.leaves(s)
	if err != nil {
		return nil, err
	}
	var alts []*node
	for _, l := range leaves {
		n, err := c.leaf(l, kAll)
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
	}
	r.body = alt(alts...)
	if r.body.op == opCall && r.body.rule != r { // a rule that only calls another
		c.memo[s] = r.body.rule
		return r.body, nil
	}
	return call(r), nil
}

// leaf is the values of some types that satisfy a leaf.
func (c *compiler) leaf(s *schema, only kinds) (*node, error) {
	types := s.types & only
	if s.enum != nil {
		return c.enumNode(s.enum, types)
	}
	if types == kAll && s.unlimited() {
		return c.free.value(defaultFreeDepth), nil
	}
	var alts []*node
	add := func(n *node, err error) error {
		alts = append(alts, n)
		if err != nil && !isEmpty(err) {
			return located(s.path, err)
		}
		if err != nil {
			alts[len(alts)-1] = never
		}
		return nil
	}
	if types&kNull != 0 {
		alts = append(alts, jsonNull)
	}
	if types&kBool != 0 {
		alts = append(alts, jsonBool)
	}
	if types&(kInteger|kNumber) != 0 {
		r := s.num
		r.integer = types&kNumber == 0
		if err := add(numberNode(c.work, &r)); err != nil {
			return nil, err
		}
	}
	if types&kString != 0 {
		if err := add(c.stringNode(s)); err != nil {
			return nil, err
		}
	}
	if types&kArray != 0 {
		if err := add(c.arrayNode(s)); err != nil {
			return nil, err
		}
	}
	if types&kObject != 0 {
		if err := add(c.objectNode(s)); err != nil {
			return nil, err
		}
	}
	return alt(alts...), nil
}

// enumNode is one of the values that have these types.
func (c *compiler) enumNode(values []*value, types kinds) (*node, error) {
	var texts []string
	var alts []*node
	for _, v := range values {
		switch {
		case kindOf(v)&types == 0:
		case len(v.list)+len(v.vals) > 0:
			alts = append(alts, c.valueNode(v))
		default:
			texts = append(texts, v.text())
		}
	}
	if len(texts) > 0 {
		n, err := choice(texts)
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
	}
	return alt(alts...), nil
}

// valueNode is exactly this value, with blanks between its parts.
func (c *compiler) valueNode(v *value) *node {
	open, end := "[", "]"
	items := v.list
	switch {
	case v.kind == kObject:
		open, end, items = "{", "}", v.vals
	case v.kind != kArray:
		return lit(v.text())
	}
	parts := []*node{lit(open), c.free.blanks}
	for i, e := range items {
		if i > 0 {
			parts = append(parts, lit(","), c.free.blanks)
		}
		if v.kind == kObject {
			parts = append(parts, lit(quoted(v.keys[i])+":"), c.free.blanks)
		}
		parts = append(parts, c.valueNode(e))
	}
	if len(items) > 0 {
		parts = append(parts, c.free.blanks)
	}
	return seq(append(parts, lit(end))...)
}

// unlimited reports whether a leaf asks for nothing but types.
func (s *schema) unlimited() bool {
	return s.enum == nil && s.plainString() && s.num.free() &&
		len(s.prefix) == 0 && s.items == nil && s.minItems == 0 && s.maxItems < 0 && s.anyObject()
}

func (s *schema) plainString() bool {
	return s.minLen == 0 && s.maxLen < 0 && len(s.patterns)+len(s.formats) == 0
}

func (s *schema) anyObject() bool {
	return len(s.props)+len(s.required)+len(s.patternProps) == 0 && s.additional == nil && s.minProps == 0 && s.maxProps < 0
}

func (c *compiler) stringNode(s *schema) (*node, error) {
	if s.plainString() {
		return jsonString, nil
	}
	d, err := c.textDFA(s)
	if err != nil {
		return nil, err
	}
	if d == nil {
		if s.maxLen >= 0 && s.maxLen < s.minLen {
			return never, nil
		}
		return ruleOf("string", stringOf(s.minLen, s.maxLen)), nil
	}
	return ruleOf("string", seq(lit(`"`), &node{op: opDFA, dfa: d, json: true}, lit(`"`))), nil
}

// textDFA combines a string's patterns, formats and length; nil if there are no
// patterns and formats.
func (c *compiler) textDFA(s *schema) (*dfa, error) {
	var parts []*dfa
	for _, p := range s.patterns {
		d, err := c.patternDFA(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, d)
	}
	for _, f := range s.formats {
		d, err := formatDFA(f)
		if err != nil {
			return nil, err
		}
		parts = append(parts, d)
	}
	d, err := intersect(c.work, parts...)
	if d == nil || err != nil {
		return nil, err
	}
	most := s.maxLen
	if most >= 0 && d.longest() <= most {
		most = -1
	}
	if s.minLen == 0 && most < 0 {
		return d, nil
	}
	length, err := toDFA(c.work, repeat(&node{op: opSet, set: anyRune}, s.minLen, most))
	if err != nil {
		return nil, fmt.Errorf("minLength and maxLength beside a pattern or format: %w", err)
	}
	return product(c.work, d, length, false)
}

// longest returns the bytes of the longest text that a dfa accepts, a very
// large number if there is no longest one.
func (d *dfa) longest() int {
	const (
		endless = 1 << 40
		busy    = -2
	)
	length := make([]int, len(d.states))
	for i := range length {
		length[i] = -1
	}
	var visit func(s int32, depth int) int
	visit = func(s int32, depth int) int {
		if length[s] == busy || depth > maxDFAStates {
			return endless
		}
		if length[s] >= 0 {
			return length[s]
		}
		length[s] = busy
		most := 0
		for _, e := range d.states[s].edges {
			most = max(most, min(endless, 1+visit(e.to, depth+1)))
		}
		length[s] = most
		return most
	}
	return visit(0, 0)
}

func (c *compiler) arrayNode(s *schema) (*node, error) {
	if len(s.prefix) == 0 && s.items == nil && s.minItems == 0 && s.maxItems < 0 {
		return c.free.array(defaultFreeDepth - 1), nil
	}
	listed := make([]*node, len(s.prefix))
	for i, p := range s.prefix {
		var err error
		if listed[i], err = c.node(p); err != nil {
			return nil, err
		}
	}
	var rest *node
	switch {
	case s.items != nil:
		leaves, err := c.leaves(s.items)
		if err != nil {
			return nil, err
		}
		if len(leaves) > 0 {
			if rest, err = c.node(s.items); err != nil {
				return nil, err
			}
		}
	case c.o.Open || len(listed) == 0 || s.minItems > len(listed):
		rest = c.free.value(defaultFreeDepth)
	}
	return ruleOf("array", arrayOf(c.free.blanks, listed, rest, s.minItems, s.maxItems)), nil
}

// objectNode makes the members of an object: those that are listed, those that
// are required without being listed, and the kinds of names beyond them.
func (c *compiler) objectNode(s *schema) (*node, error) {
	if s.anyObject() {
		return c.free.object(defaultFreeDepth - 1), nil
	}
	m, err := c.membersOf(s)
	if err != nil {
		return nil, err
	}
	return ruleOf("object", objectOf(c.free.blanks, m)), nil
}

func (c *compiler) membersOf(s *schema) (*members, error) {
	m := &members{min: s.minProps, max: s.maxProps, any: c.o.AnyOrder}
	props, err := c.allProps(s)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range props {
		v, err := c.node(p.s)
		if err != nil {
			return nil, err
		}
		names = append(names, p.name)
		m.listed = append(m.listed, member{
			body:     seq(lit(quoted(p.name)+":"), c.free.blanks, v),
			required: slices.Contains(s.required, p.name),
		})
	}
	err = c.extras(s, names, func(name *dfa, p *schema) error {
		key := jsonString
		if name != nil {
			key = seq(lit(`"`), &node{op: opDFA, dfa: name, json: true}, lit(`"`))
		}
		v, err := c.node(p)
		m.extra = append(m.extra, seq(key, lit(":"), c.free.blanks, v))
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(m.extra) > 0 && m.min > 1 && m.min > len(s.required) {
		return nil, schemaError(pointer(s.path, "minProperties"), "%d cannot be enforced where names are free, since they may repeat", m.min)
	}
	if len(m.extra) == 0 && m.max >= len(m.listed) {
		m.max = -1
	}
	return m, nil
}

// allProps are the listed properties and those that are required only.
func (c *compiler) allProps(s *schema) ([]property, error) {
	var out []property
	for _, p := range s.props {
		q, err := c.forName(s, p.name) // patterns count for listed names too
		if err != nil {
			return nil, err
		}
		out = append(out, property{p.name, q})
	}
	for _, r := range s.required {
		if s.listed(r) != nil {
			continue
		}
		q, err := c.forName(s, r)
		if err != nil {
			return nil, err
		}
		if q == nil {
			q = newSchema(s.path)
		}
		out = append(out, property{r, q})
	}
	return out, nil
}

// extras calls f with each kind of names beyond the listed ones, as an
// automaton over the name (nil: any name), and what their values must satisfy.
func (c *compiler) extras(s *schema, names []string, f func(*dfa, *schema) error) error {
	var taken []*dfa
	if len(names) > 0 {
		d, err := choiceDFA(names)
		if err != nil {
			return err
		}
		taken = append(taken, d)
	}
	patterns := make([]*dfa, len(s.patternProps))
	for i, p := range s.patternProps {
		d, err := c.patternDFA(p.name)
		if err != nil && !isEmpty(err) {
			return err
		}
		patterns[i] = d
	}
	for i, p := range s.patternProps {
		// A name that two patterns match would have to satisfy both: it is left out.
		others := append(append([]*dfa{}, taken...), patterns[:i]...)
		d, err := c.without(patterns[i], append(others, patterns[i+1:]...))
		if err != nil {
			return err
		}
		if d != nil {
			if err := f(d, p.s); err != nil {
				return err
			}
		}
	}
	rest := s.additional
	if rest == nil {
		if !c.o.Open && len(names)+len(s.patternProps) > 0 {
			return nil
		}
		rest = newSchema(s.path)
	}
	if l, err := c.leaves(rest); err != nil || len(l) == 0 {
		return err
	}
	taken = append(taken, patterns...)
	if len(taken) == 0 {
		return f(nil, rest)
	}
	all, err := toDFA(c.work, star(&node{op: opSet, set: anyRune}))
	if err != nil {
		return err
	}
	d, err := c.without(all, taken)
	if err != nil || d == nil {
		return err
	}
	return f(d, rest)
}

// without is what d accepts and none of the others does; nil for nothing.
func (c *compiler) without(d *dfa, others []*dfa) (*dfa, error) {
	for _, o := range others {
		if d == nil {
			return nil, nil
		}
		if o == nil {
			continue
		}
		next, err := product(c.work, d, o, true)
		if isEmpty(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		d = next
	}
	return d, nil
}
