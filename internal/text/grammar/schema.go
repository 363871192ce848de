package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Options say how JSON is to be written.
type Options struct {
	// Compact leaves out all blanks between JSON's signs. Otherwise a space, or
	// a line break and an indent, may stand where people put them.
	Compact bool
	// AnyOrder lets an object's properties come in any order; otherwise they
	// come as the schema lists them.
	AnyOrder bool
	// Open allows properties and elements that a schema neither lists nor
	// forbids. Without it an object has only its listed properties, and what
	// comes out is a part of what the schema allows. A schema that lists none
	// is open in any case.
	Open bool
}

func (o Options) blanks() *node {
	if o.Compact {
		return noBlanks
	}
	return looseBlanks
}

// CompileSchema returns the grammar of the JSON values that a schema allows:
// drafts 2020-12 and 7, as far as a grammar can say it. A keyword or a value
// that is not supported is an error that names it and its place. What comes out
// always satisfies the schema; a few things that a schema would allow are left
// out, such as exponents in numbers with limits.
func CompileSchema(schema json.RawMessage, o Options) (*Grammar, error) {
	c, s, err := newCompiler(schema, o, newWork())
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	n, err := c.node(s)
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	return checked(n)
}

// kinds is a set of JSON types. A number that need not be an integer has both
// bits of numbers.
type kinds uint8

const (
	kNull kinds = 1 << iota
	kBool
	kInteger
	kNumber // numbers that are no integers
	kString
	kArray
	kObject

	kAll kinds = 1<<7 - 1
)

var kindNames = map[string]kinds{
	"null": kNull, "boolean": kBool, "integer": kInteger, "number": kInteger | kNumber,
	"string": kString, "array": kArray, "object": kObject,
}

// A schema is what one schema object asks for. Absent limits are 0, -1 and nil.
type schema struct {
	path  string
	types kinds
	enum  []*value // nil: any value

	minLen, maxLen int
	patterns       []string
	formats        []string

	num numberRange // without integer

	prefix             []*schema
	items              *schema
	minItems, maxItems int

	props              []property
	required           []string
	patternProps       []property // by pattern
	additional         *schema
	minProps, maxProps int

	// These are resolved by leaves.
	all   []*schema // $ref, allOf
	any   [][]*schema
	oneOf [][]*schema
}

type property struct {
	name string
	s    *schema
}

func newSchema(path string) *schema {
	return &schema{path: path, types: kAll, maxLen: -1, maxItems: -1, maxProps: -1}
}

// listed returns a property's own schema.
func (s *schema) listed(name string) *schema {
	for _, p := range s.props {
		if p.name == name {
			return p.s
		}
	}
	return nil
}

// A compiler turns one schema document into nodes.
type compiler struct {
	o      Options
	root   *value
	work   *work
	free   *free
	parsed map[*value]*schema
	depth  int
	count  int // schemas read and merged

	memo      map[*schema]*rule
	leafMemo  map[*schema][]*schema
	leafBusy  map[*schema]bool
	both      map[[2]*schema]*schema
	patterns  map[string]*dfa
	nodeDepth int
}

// maxSchemas bounds the schemas of one document, those included that allOf and
// anyOf multiply.
const maxSchemas = 20_000

func newCompiler(raw json.RawMessage, o Options, w *work) (*compiler, *schema, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return nil, nil, err
	}
	c := &compiler{
		o: o, root: v, work: w, free: &free{blanks: o.blanks()},
		parsed: map[*value]*schema{}, memo: map[*schema]*rule{},
		leafMemo: map[*schema][]*schema{}, leafBusy: map[*schema]bool{},
		both: map[[2]*schema]*schema{}, patterns: map[string]*dfa{},
	}
	s, err := c.parse(v, "#")
	return c, s, err
}

// A SchemaError says what in a schema is wrong or not supported, and where.
type SchemaError struct {
	Path string // JSON pointer in the schema, as in "#/properties/age/minimum"
	Err  error
}

// Error returns the place and the reason.
func (e *SchemaError) Error() string { return fmt.Sprintf("schema at %s: %v", e.Path, e.Err) }

// Unwrap returns the reason.
func (e *SchemaError) Unwrap() error { return e.Err }

func schemaError(path, format string, args ...any) error {
	return &SchemaError{Path: path, Err: fmt.Errorf(format, args...)}
}

// located adds a place to an error that has none.
func located(path string, err error) error {
	var se *SchemaError
	if err == nil || errors.As(err, &se) {
		return err
	}
	return &SchemaError{Path: path, Err: err}
}

// pointer appends a key to a JSON pointer.
func pointer(path, key string) string {
	return path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(shorten(key))
}

// visit counts a schema and refuses too many.
func (c *compiler) visit(path string) error {
	if c.count++; c.count > maxSchemas {
		return &SchemaError{Path: path, Err: tooLarge("more than %d schemas, combinations included", maxSchemas)}
	}
	return nil
}

// patternDFA returns the automaton of a pattern over a string's text.
func (c *compiler) patternDFA(source string) (*dfa, error) {
	if d, ok := c.patterns[source]; ok {
		return d, nil
	}
	p, err := parsePattern(source)
	if err != nil {
		return nil, err
	}
	d, err := toDFA(c.work, p.search())
	if err != nil {
		return nil, err
	}
	c.patterns[source] = d
	return d, nil
}
