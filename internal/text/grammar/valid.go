package grammar

import (
	"slices"
	"unicode/utf8"
)

// maxCheckDepth bounds how deep valid and disjoint look.
const maxCheckDepth = 32

// kindOf returns the types that a value has.
func kindOf(v *value) kinds {
	if v.kind == kNumber && v.num.IsInt() {
		return kInteger
	}
	return v.kind
}

// valid reports whether a value of the schema document itself, from an enum,
// satisfies a schema.
func (c *compiler) valid(s *schema, v *value, depth int) bool {
	if depth > maxCheckDepth || s.types&kindOf(v) == 0 {
		return false
	}
	if s.enum != nil && !slices.ContainsFunc(s.enum, v.equal) {
		return false
	}
	for _, a := range s.all {
		if !c.valid(a, v, depth+1) {
			return false
		}
	}
	for _, group := range s.any {
		if !slices.ContainsFunc(group, func(a *schema) bool { return c.valid(a, v, depth+1) }) {
			return false
		}
	}
	for _, group := range s.oneOf {
		n := 0
		for _, a := range group {
			if c.valid(a, v, depth+1) {
				n++
			}
		}
		if n != 1 {
			return false
		}
	}
	switch v.kind {
	case kString:
		return c.validString(s, v.str)
	case kNumber:
		return s.num.contains(v)
	case kArray:
		return c.validArray(s, v, depth)
	case kObject:
		return c.validObject(s, v, depth)
	}
	return true
}

func (c *compiler) validString(s *schema, text string) bool {
	n := utf8.RuneCountInString(text)
	if n < s.minLen || s.maxLen >= 0 && n > s.maxLen {
		return false
	}
	for _, p := range s.patterns {
		if d, err := c.patternDFA(p); err != nil || !d.match(text) {
			return false
		}
	}
	for _, f := range s.formats {
		if d, err := formatDFA(f); err != nil || !d.match(text) {
			return false
		}
	}
	return true
}

func (r *numberRange) contains(v *value) bool {
	if r.min != nil && (v.num.Cmp(r.min) < 0 || r.minOpen && v.num.Cmp(r.min) == 0) {
		return false
	}
	if r.max != nil && (v.num.Cmp(r.max) > 0 || r.maxOpen && v.num.Cmp(r.max) == 0) {
		return false
	}
	if r.multiple == nil {
		return true
	}
	q := newRat().Quo(v.num, r.multiple)
	return q.IsInt()
}

func (c *compiler) validArray(s *schema, v *value, depth int) bool {
	if len(v.list) < s.minItems || s.maxItems >= 0 && len(v.list) > s.maxItems {
		return false
	}
	for i, e := range v.list {
		if item := s.item(i); item != nil && !c.valid(item, e, depth+1) {
			return false
		}
	}
	return true
}

func (c *compiler) validObject(s *schema, v *value, depth int) bool {
	if len(v.keys) < s.minProps || s.maxProps >= 0 && len(v.keys) > s.maxProps {
		return false
	}
	for _, r := range s.required {
		if v.field(r) == nil {
			return false
		}
	}
	for i, k := range v.keys {
		p, err := c.forName(s, k)
		if err != nil || p != nil && !c.valid(p, v.vals[i], depth+1) {
			return false
		}
	}
	return true
}

// disjoint reports whether it is certain that no value satisfies both leaves.
func (c *compiler) disjoint(a, b *schema, depth int) bool {
	if depth > 4 {
		return false
	}
	m := a.types & b.types
	if m == 0 {
		return true
	}
	if a.enum != nil {
		return !slices.ContainsFunc(a.enum, func(v *value) bool { return c.valid(a, v, 0) && c.valid(b, v, 0) })
	}
	if b.enum != nil {
		return c.disjoint(b, a, depth)
	}
	if m&(kNull|kBool) != 0 {
		return false
	}
	if m&(kInteger|kNumber) != 0 && !apart(&a.num, &b.num) {
		return false
	}
	if m&kString != 0 && !beyond(a.minLen, b.maxLen) && !beyond(b.minLen, a.maxLen) {
		return false
	}
	if m&kArray != 0 && !beyond(a.minItems, b.maxItems) && !beyond(b.minItems, a.maxItems) {
		return false
	}
	return m&kObject == 0 || c.disjointObjects(a, b, depth)
}

// beyond reports whether a lower limit is above an upper one.
func beyond(least, most int) bool { return most >= 0 && least > most }

func apart(a, b *numberRange) bool {
	above := func(a, b *numberRange) bool {
		if a.min == nil || b.max == nil {
			return false
		}
		d := a.min.Cmp(b.max)
		return d > 0 || d == 0 && (a.minOpen || b.maxOpen)
	}
	return above(a, b) || above(b, a)
}

// disjointObjects looks for a property that one of them requires and that
// cannot satisfy both.
func (c *compiler) disjointObjects(a, b *schema, depth int) bool {
	for _, name := range union(a.required, b.required) {
		sa, err := c.forName(a, name)
		if err != nil {
			return false
		}
		sb, err := c.forName(b, name)
		if err != nil {
			return false
		}
		if sa == nil || sb == nil {
			// One asks nothing of it; the other may forbid it.
			if s := c.and(sa, sb); s != nil && s.types == 0 {
				return true
			}
			continue
		}
		la, errA := c.leaves(sa)
		lb, errB := c.leaves(sb)
		if errA != nil || errB != nil {
			continue
		}
		all := true
		for _, x := range la {
			for _, y := range lb {
				all = all && c.disjoint(x, y, depth+1)
			}
		}
		if all {
			return true
		}
	}
	return beyond(a.minProps, b.maxProps) || beyond(b.minProps, a.maxProps)
}
