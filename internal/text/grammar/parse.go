package grammar

import (
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxCount    = 1_000_000_000 // of characters, elements, properties: beyond it there is no limit
	maxMinCount = 1_000_000     // an answer that long never ends
)

// annotations are keywords that ask for nothing.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "examples": true, "example": true, "$comment": true,
	"readOnly": true, "writeOnly": true, "deprecated": true, "$schema": true,
	"contentEncoding": true, "contentMediaType": true,
	"$defs": true, "definitions": true, // read where a $ref names them
}

// families says which type a keyword is about: a schema that has such keywords
// and no type means values of that type.
var families = map[string]kinds{
	"minLength": kString, "maxLength": kString, "pattern": kString,
	"minimum": kInteger | kNumber, "maximum": kInteger | kNumber, "multipleOf": kInteger | kNumber,
	"exclusiveMinimum": kInteger | kNumber, "exclusiveMaximum": kInteger | kNumber,
	"items": kArray, "prefixItems": kArray, "additionalItems": kArray, "minItems": kArray, "maxItems": kArray, "uniqueItems": kArray,
	"properties": kObject, "required": kObject, "additionalProperties": kObject, "patternProperties": kObject,
	"minProperties": kObject, "maxProperties": kObject,
}

// parse reads a schema. Schemas that refer to each other in a circle are read
// once.
func (c *compiler) parse(v *value, path string) (*schema, error) {
	if s, ok := c.parsed[v]; ok {
		return s, nil
	}
	if err := c.visit(path); err != nil {
		return nil, err
	}
	s := newSchema(path)
	c.parsed[v] = s
	switch v.kind {
	case kBool:
		if v.str == "false" {
			s.types = 0
		}
		return s, nil
	case kObject:
	default:
		return nil, schemaError(path, "a schema must be an object or a boolean, not %s", shorten(v.text()))
	}
	if c.depth++; c.depth > 4*maxSchemaDepth {
		return nil, schemaError(path, "references nest too deep")
	}
	defer func() { c.depth-- }()
	var typed bool
	var family kinds
	for i, key := range v.keys {
		family |= families[key]
		typed = typed || key == "type"
		if err := c.keyword(s, v, key, v.vals[i]); err != nil {
			return nil, err
		}
	}
	if !typed && family != 0 {
		s.types = family
	}
	return s, c.checkFormats(s)
}

// keyword reads one member of a schema object.
func (c *compiler) keyword(s *schema, v *value, key string, x *value) error {
	path := pointer(s.path, key)
	if annotations[key] || strings.HasPrefix(key, "x-") {
		return nil
	}
	switch key {
	case "type":
		return readTypes(s, path, x)
	case "enum":
		if x.kind != kArray || len(x.list) == 0 {
			return schemaError(path, "must be an array with values")
		}
		return addEnum(s, path, x.list)
	case "const":
		return addEnum(s, path, []*value{x})
	case "$ref":
		return c.reference(s, path, x)
	case "allOf", "anyOf", "oneOf":
		return c.composition(s, path, key, x)
	case "$id":
		if s.path != "#" {
			return schemaError(path, "is supported at the root only")
		}
		return nil
	case "minLength", "maxLength", "pattern", "format":
		return c.stringKeyword(s, path, key, x)
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
		return numberKeyword(s, path, key, x)
	case "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems":
		return c.arrayKeyword(s, v, path, key, x)
	case "properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties":
		return c.objectKeyword(s, path, key, x)
	}
	return schemaError(path, "the keyword %q is not supported", shorten(key))
}

func readTypes(s *schema, path string, x *value) error {
	names := []*value{x}
	if x.kind == kArray {
		names = x.list
	}
	s.types = 0
	for _, n := range names {
		k, ok := kindNames[n.str]
		if n.kind != kString || !ok {
			return schemaError(path, "%s is no type; these are: array, boolean, integer, null, number, object, string", shorten(n.text()))
		}
		s.types |= k
	}
	if s.types == 0 {
		return schemaError(path, "names no type")
	}
	return nil
}

// addEnum limits s to values, beside an enum or const that is there already.
func addEnum(s *schema, path string, values []*value) error {
	for _, v := range values {
		if v.kind == kNumber && len(v.str) > maxPlaces {
			return schemaError(path, "a number has more than %d digits", maxPlaces)
		}
	}
	if s.enum == nil {
		s.enum = values
		return nil
	}
	s.enum = common(s.enum, values)
	return nil
}

// common returns the values that are in both lists, never nil.
func common(a, b []*value) []*value {
	out := []*value{}
	for _, v := range a {
		if slices.ContainsFunc(b, v.equal) {
			out = append(out, v)
		}
	}
	return out
}

// reference follows "#", "#/a/b": a pointer into the same document.
func (c *compiler) reference(s *schema, path string, x *value) error {
	if x.kind != kString {
		return schemaError(path, "must be a string")
	}
	frag, ok := strings.CutPrefix(x.str, "#")
	if !ok || frag != "" && frag[0] != '/' {
		return schemaError(path, "%q is not supported: only references like \"#/$defs/name\" into the same schema are", shorten(x.str))
	}
	at := c.root
	for _, part := range strings.Split(frag, "/")[1:] {
		part, err := url.PathUnescape(part)
		if err != nil {
			return schemaError(path, "%q is not a JSON pointer", shorten(x.str))
		}
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		var next *value
		switch at.kind {
		case kObject:
			next = at.field(part)
		case kArray:
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(at.list) {
				next = at.list[i]
			}
		}
		if next == nil {
			return schemaError(path, "%q leads nowhere", shorten(x.str))
		}
		at = next
	}
	target, err := c.parse(at, "#"+frag)
	if err != nil {
		return err
	}
	s.all = append(s.all, target)
	return nil
}

func (c *compiler) composition(s *schema, path, key string, x *value) error {
	list, err := c.schemaList(path, x)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return schemaError(path, "must have at least one schema")
	}
	switch key {
	case "allOf":
		s.all = append(s.all, list...)
	case "anyOf":
		s.any = append(s.any, list)
	default:
		s.oneOf = append(s.oneOf, list)
	}
	return nil
}

func (c *compiler) schemaList(path string, x *value) ([]*schema, error) {
	if x.kind != kArray {
		return nil, schemaError(path, "must be an array of schemas")
	}
	list := make([]*schema, len(x.list))
	for i, e := range x.list {
		var err error
		if list[i], err = c.parse(e, pointer(path, strconv.Itoa(i))); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (c *compiler) stringKeyword(s *schema, path, key string, x *value) error {
	var err error
	switch key {
	case "minLength":
		s.minLen, err = minCount(path, x)
		return err
	case "maxLength":
		s.maxLen, err = maxCountOf(path, x)
		return err
	}
	if x.kind != kString {
		return schemaError(path, "must be a string")
	}
	if key == "format" {
		s.formats = append(s.formats, x.str)
		return nil
	}
	if _, err := c.patternDFA(x.str); err != nil && !isEmpty(err) {
		return &SchemaError{Path: path, Err: fmt.Errorf("pattern %q: %w", shorten(x.str), err)}
	}
	s.patterns = append(s.patterns, x.str)
	return nil
}

// checkFormats finds formats that are not supported. Those of numbers become
// limits; one without a type means a string.
func (c *compiler) checkFormats(s *schema) error {
	kept := s.formats[:0]
	for _, f := range s.formats {
		bits := map[string]uint{"int32": 31, "int64": 63}[f]
		switch {
		case bits > 0:
			limit := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), bits))
			s.num.atLeast(new(big.Rat).Neg(limit), false)
			s.num.atMost(limit, true)
			continue
		case f == "float" || f == "double":
			continue // any JSON number
		}
		if _, err := formatDFA(f); err != nil {
			return &SchemaError{Path: pointer(s.path, "format"), Err: err}
		}
		if s.types == kAll {
			s.types = kString
		}
		kept = append(kept, f)
	}
	s.formats = kept
	return nil
}

func numberKeyword(s *schema, path, key string, x *value) error {
	if x.kind == kBool {
		return schemaError(path, "must be a number: the boolean form of draft 4 is not supported")
	}
	if x.kind != kNumber {
		return schemaError(path, "must be a number")
	}
	switch key {
	case "minimum", "exclusiveMinimum":
		s.num.atLeast(x.num, key != "minimum")
	case "maximum", "exclusiveMaximum":
		s.num.atMost(x.num, key != "maximum")
	default:
		if x.num.Sign() <= 0 {
			return schemaError(path, "must be above 0")
		}
		s.num.multipleOf(x.num)
	}
	return nil
}

func (c *compiler) arrayKeyword(s *schema, v *value, path, key string, x *value) (err error) {
	switch key {
	case "minItems":
		s.minItems, err = minCount(path, x)
	case "maxItems":
		s.maxItems, err = maxCountOf(path, x)
	case "uniqueItems":
		if x.kind != kBool || x.str == "true" {
			return schemaError(path, "cannot be enforced; only false is supported")
		}
	case "prefixItems":
		s.prefix, err = c.schemaList(path, x)
	case "items":
		if x.kind == kArray { // draft 7
			s.prefix, err = c.schemaList(path, x)
			return err
		}
		s.items, err = c.parse(x, path)
	case "additionalItems":
		if items := v.field("items"); items == nil || items.kind != kArray {
			return schemaError(path, "is supported beside an array of items only")
		}
		s.items, err = c.parse(x, path)
	}
	return err
}

func (c *compiler) objectKeyword(s *schema, path, key string, x *value) (err error) {
	switch key {
	case "minProperties":
		s.minProps, err = minCount(path, x)
	case "maxProperties":
		s.maxProps, err = maxCountOf(path, x)
	case "additionalProperties":
		s.additional, err = c.parse(x, path)
	case "required":
		if x.kind != kArray {
			return schemaError(path, "must be an array of names")
		}
		for _, e := range x.list {
			if e.kind != kString {
				return schemaError(path, "must be an array of names, but has %s", shorten(e.text()))
			}
			s.addRequired(e.str)
		}
	case "properties", "patternProperties":
		if x.kind != kObject {
			return schemaError(path, "must be an object of schemas")
		}
		for i, name := range x.keys {
			p, err := c.parse(x.vals[i], pointer(path, name))
			if err != nil {
				return err
			}
			if key == "properties" {
				s.props = append(s.props, property{name, p})
				continue
			}
			if _, err := c.patternDFA(name); err != nil && !isEmpty(err) {
				return &SchemaError{Path: pointer(path, name), Err: err}
			}
			s.patternProps = append(s.patternProps, property{name, p})
		}
	}
	return err
}

func (s *schema) addRequired(name string) {
	if !slices.Contains(s.required, name) {
		s.required = append(s.required, name)
	}
}

func readCount(path string, x *value) (int, error) {
	if x.kind != kNumber || !x.num.IsInt() || x.num.Sign() < 0 {
		return 0, schemaError(path, "must be a whole number from 0 up, not %s", shorten(x.text()))
	}
	if x.num.Cmp(big.NewRat(maxCount, 1)) > 0 {
		return maxCount + 1, nil
	}
	return int(x.num.Num().Int64()), nil
}

func minCount(path string, x *value) (int, error) {
	n, err := readCount(path, x)
	if err == nil && n > maxMinCount {
		return 0, &SchemaError{Path: path, Err: tooLarge("%s is more than %d", shorten(x.text()), maxMinCount)}
	}
	return n, err
}

func maxCountOf(path string, x *value) (int, error) {
	n, err := readCount(path, x)
	if n > maxCount {
		return -1, err // no answer is that long
	}
	return n, err
}

// atLeast raises the lower limit.
func (r *numberRange) atLeast(x *big.Rat, open bool) {
	if r.min == nil || x.Cmp(r.min) > 0 {
		r.min, r.minOpen = x, open
	} else if x.Cmp(r.min) == 0 {
		r.minOpen = r.minOpen || open
	}
}

// atMost lowers the upper limit.
func (r *numberRange) atMost(x *big.Rat, open bool) {
	if r.max == nil || x.Cmp(r.max) < 0 {
		r.max, r.maxOpen = x, open
	} else if x.Cmp(r.max) == 0 {
		r.maxOpen = r.maxOpen || open
	}
}

// multipleOf asks for multiples of x as well: of the least common multiple.
func (r *numberRange) multipleOf(x *big.Rat) {
	if r.multiple == nil {
		r.multiple = x
		return
	}
	a := new(big.Int).Mul(r.multiple.Num(), x.Denom())
	b := new(big.Int).Mul(x.Num(), r.multiple.Denom())
	den := new(big.Int).Mul(x.Denom(), r.multiple.Denom())
	gcd := new(big.Int).GCD(nil, nil, a, b)
	lcm := new(big.Int).Mul(new(big.Int).Quo(a, gcd), b)
	r.multiple = new(big.Rat).SetFrac(lcm, den)
}
