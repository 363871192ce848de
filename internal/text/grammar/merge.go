package grammar

import "slices"

// maxLeaves bounds the alternatives of one schema.
const maxLeaves = 256

// leaves returns the alternatives of a schema without references, allOf, anyOf
// and oneOf: a value satisfies the schema if it satisfies one of them. An empty
// list is a schema that nothing satisfies.
func (c *compiler) leaves(s *schema) ([]*schema, error) {
	if l, ok := c.leafMemo[s]; ok {
		return l, nil
	}
	if c.leafBusy[s] {
		return nil, schemaError(s.path, "refers to itself without anything in between")
	}
	c.leafBusy[s] = true
	defer delete(c.leafBusy, s)
	own := *s
	own.all, own.any, own.oneOf = nil, nil, nil
	acc := []*schema{&own}
	var err error
	for _, a := range s.all {
		if acc, err = c.cross(s, acc, []*schema{a}); err != nil {
			return nil, err
		}
	}
	for _, group := range s.any {
		if acc, err = c.cross(s, acc, group); err != nil {
			return nil, err
		}
	}
	for _, group := range s.oneOf {
		if acc, err = c.crossOne(s, acc, group); err != nil {
			return nil, err
		}
	}
	var out []*schema
	for _, l := range acc {
		if l.enum != nil {
			l.enum = slices.DeleteFunc(slices.Clone(l.enum), func(v *value) bool { return !c.valid(l, v, 0) })
			if len(l.enum) == 0 {
				continue
			}
		}
		if l.types != 0 {
			out = append(out, l)
		}
	}
	c.leafMemo[s] = out
	return out, nil
}

// cross combines each of acc with each alternative of the schemas in group.
func (c *compiler) cross(s *schema, acc, group []*schema) ([]*schema, error) {
	var out []*schema
	for _, g := range group {
		alts, err := c.leaves(g)
		if err != nil {
			return nil, err
		}
		for _, a := range acc {
			for _, b := range alts {
				m, err := c.merge(a, b)
				if err != nil {
					return nil, err
				}
				if m.types == 0 {
					continue
				}
				if out = append(out, m); len(out) > maxLeaves {
					return nil, &SchemaError{Path: s.path, Err: tooLarge("allOf and anyOf make more than %d combinations", maxLeaves)}
				}
			}
		}
	}
	return out, nil
}

// crossOne is cross for oneOf, whose schemas must exclude each other: a grammar
// cannot say "this and not that".
func (c *compiler) crossOne(s *schema, acc, group []*schema) ([]*schema, error) {
	var out []*schema
	var branches [][]*schema
	for _, g := range group {
		b, err := c.cross(s, acc, []*schema{g})
		if err != nil {
			return nil, err
		}
		branches = append(branches, b)
		out = append(out, b...)
	}
	for i := range branches {
		for k := range i {
			for _, a := range branches[i] {
				for _, b := range branches[k] {
					if !c.disjoint(a, b, 0) {
						return nil, schemaError(pointer(s.path, "oneOf"),
							"a value might satisfy both schema %d and schema %d; use anyOf, or tell them apart by type, const or a required property", k, i)
					}
				}
			}
		}
	}
	return out, nil
}

// and returns the schema that asks for what both ask for; nil asks for nothing.
func (c *compiler) and(a, b *schema) *schema {
	if a == nil || a == b {
		return b
	}
	if b == nil {
		return a
	}
	key := [2]*schema{a, b}
	if s, ok := c.both[key]; ok {
		return s
	}
	s := newSchema(a.path)
	s.all = []*schema{a, b}
	c.both[key] = s
	return s
}

// merge returns what two leaves ask for together.
func (c *compiler) merge(a, b *schema) (*schema, error) {
	if err := c.visit(a.path); err != nil {
		return nil, err
	}
	m := newSchema(b.path)
	m.types = a.types & b.types
	m.enum = a.enum
	if m.enum == nil {
		m.enum = b.enum
	} else if b.enum != nil {
		m.enum = common(a.enum, b.enum)
	}
	m.minLen, m.maxLen = max(a.minLen, b.minLen), smaller(a.maxLen, b.maxLen)
	m.patterns = union(a.patterns, b.patterns)
	m.formats = union(a.formats, b.formats)
	m.num = a.num
	if b.num.min != nil {
		m.num.atLeast(b.num.min, b.num.minOpen)
	}
	if b.num.max != nil {
		m.num.atMost(b.num.max, b.num.maxOpen)
	}
	if b.num.multiple != nil {
		m.num.multipleOf(b.num.multiple)
	}
	m.minItems, m.maxItems = max(a.minItems, b.minItems), smaller(a.maxItems, b.maxItems)
	m.items = c.and(a.items, b.items)
	for i := range max(len(a.prefix), len(b.prefix)) {
		m.prefix = append(m.prefix, c.and(a.item(i), b.item(i)))
	}
	for i, p := range m.prefix {
		if p == nil {
			m.prefix[i] = newSchema(m.path)
		}
	}
	return m, c.mergeObjects(m, a, b)
}

func (c *compiler) mergeObjects(m, a, b *schema) error {
	m.minProps, m.maxProps = max(a.minProps, b.minProps), smaller(a.maxProps, b.maxProps)
	m.required = union(a.required, b.required)
	if len(a.patternProps) > 0 && (len(b.patternProps) > 0 || b.additional != nil) || len(b.patternProps) > 0 && a.additional != nil {
		return schemaError(m.path, "patternProperties cannot be combined with those or additionalProperties of another schema")
	}
	m.additional = c.and(a.additional, b.additional)
	m.patternProps = append(slices.Clone(a.patternProps), b.patternProps...)
	for _, name := range propertyNames(a, b) {
		sa, err := c.forName(a, name)
		if err != nil {
			return err
		}
		sb, err := c.forName(b, name)
		if err != nil {
			return err
		}
		p := c.and(sa, sb)
		if p == nil {
			p = newSchema(m.path)
		}
		m.props = append(m.props, property{name, p})
	}
	return nil
}

// propertyNames are the listed names of both, in order.
func propertyNames(a, b *schema) []string {
	var names []string
	seen := map[string]bool{}
	for _, s := range []*schema{a, b} {
		for _, p := range s.props {
			if !seen[p.name] {
				seen[p.name] = true
				names = append(names, p.name)
			}
		}
	}
	return names
}

// item is what a leaf asks of an array's element i, nil for nothing.
func (s *schema) item(i int) *schema {
	if i < len(s.prefix) {
		return s.prefix[i]
	}
	return s.items
}

// forName is what a leaf asks of a property, nil for nothing.
func (c *compiler) forName(s *schema, name string) (*schema, error) {
	p := s.listed(name)
	known := p != nil
	for _, pp := range s.patternProps {
		d, err := c.patternDFA(pp.name)
		if isEmpty(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if d.match(name) {
			p = c.and(p, pp.s)
			known = true
		}
	}
	if !known {
		return s.additional, nil
	}
	return p, nil
}

// smaller is the smaller of two limits of which -1 is none.
func smaller(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
