package jinja

import "slices"

// maxNesting bounds how deep expressions and blocks may nest, so that a hostile
// template cannot exhaust the stack. Python's own parser stops near 200.
const maxNesting = 200

// parser turns tokens into statements: recursive descent for statements,
// precedence climbing for expressions.
type parser struct {
	toks   []token
	i      int
	depth  int
	loops  int  // enclosing loops of this function body
	soft   bool // within an if: an unknown filter fails only when it is reached
	blocks map[string]*blockStmt

	// unknown holds errors about filters and tests that do not exist, which
	// count unless they turn out to be part of a conditional.
	unknown []error

	// names holds, for each macro being parsed, the variables its body reads.
	names []map[string]bool
}

func (p *parser) cur() token { return p.toks[p.i] }

func (p *parser) peek() token {
	if p.i+1 < len(p.toks) {
		return p.toks[p.i+1]
	}
	return p.toks[p.i]
}

func (p *parser) next() token {
	t := p.toks[p.i]
	if p.i+1 < len(p.toks) {
		p.i++
	}
	return t
}

func (p *parser) isOp(op string) bool { return p.cur().kind == tokOp && p.cur().text == op }

func (p *parser) isName(names ...string) bool {
	return p.cur().kind == tokName && slices.Contains(names, p.cur().text)
}

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) fail(format string, args ...any) error {
	e := errorf(KindSyntax, format, args...)
	e.Line = p.cur().line
	return e
}

func (p *parser) expectOp(op string) error {
	if !p.skipOp(op) {
		return p.fail("expected token '%s', got '%s'", op, p.cur().describe())
	}
	return nil
}

func (p *parser) expect(k tokenKind) (token, error) {
	if p.cur().kind != k {
		want := map[tokenKind]string{tokName: "name", tokBlockEnd: "end of statement block", tokVarEnd: "end of print statement"}[k]
		return token{}, p.fail("expected token '%s', got '%s'", want, p.cur().describe())
	}
	return p.next(), nil
}

func (p *parser) enter() error {
	p.depth++
	if p.depth > maxNesting {
		return p.fail("nested too deep: more than %d levels", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// template parses everything.
func (p *parser) template() ([]stmt, error) {
	body, err := p.body()
	if err != nil {
		return nil, err
	}
	if p.cur().kind != tokEOF {
		return nil, p.fail("unexpected '%s'", p.cur().describe())
	}
	if len(p.unknown) > 0 {
		return nil, p.unknown[0]
	}
	return body, nil
}

// body parses statements up to a tag that starts with one of the names, which
// it leaves there, after the tag's begin.
func (p *parser) body(ends ...string) ([]stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var out []stmt
	for {
		switch t := p.cur(); t.kind {
		case tokEOF:
			if len(ends) > 0 {
				return nil, p.fail("unexpected end of template, expected one of the tags %v", ends)
			}
			return out, nil
		case tokData:
			out = append(out, &dataStmt{p.next().text})
		case tokVarBegin:
			p.next()
			x, err := p.tuple(true, nil, false)
			if err != nil {
				return nil, err
			}
			if _, err := p.expect(tokVarEnd); err != nil {
				return nil, err
			}
			out = append(out, &printStmt{x, t.line})
		default:
			p.next()
			if p.isName(ends...) {
				return out, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			if _, err := p.expect(tokBlockEnd); err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
}

// block parses the end of a tag, a body and the name of the tag that ends it.
func (p *parser) block(ends ...string) ([]stmt, error) {
	p.skipOp(":")
	if _, err := p.expect(tokBlockEnd); err != nil {
		return nil, err
	}
	return p.body(ends...)
}

// inner is block within a scope of its own, where an enclosing if no longer
// excuses unknown filters. It consumes the name of the end tag.
func (p *parser) inner(ends ...string) ([]stmt, error) {
	soft := p.soft
	p.soft = false
	defer func() { p.soft = soft }()
	body, err := p.block(ends...)
	if err == nil {
		p.next()
	}
	return body, err
}

// statement parses a tag from its name to before its end.
func (p *parser) statement() (stmt, error) {
	if p.cur().kind != tokName {
		return nil, p.fail("tag name expected, got '%s'", p.cur().describe())
	}
	t := p.next()
	switch t.text {
	case "if":
		return p.ifTag(t.line)
	case "for":
		return p.forTag(t.line)
	case "set":
		return p.setTag(t.line)
	case "macro":
		return p.macroTag()
	case "call":
		return p.callTag(t.line)
	case "filter":
		return p.filterTag(t.line)
	case "with":
		return p.withTag(t.line)
	case "block":
		return p.blockTag(t.line)
	case "autoescape":
		on, err := p.expression()
		if err != nil {
			return nil, err
		}
		body, err := p.inner("endautoescape")
		return &autoescapeStmt{on, body, t.line}, err
	case "generation":
		body, err := p.inner("endgeneration")
		return &groupStmt{body}, err
	case "break", "continue":
		if p.loops == 0 {
			return nil, p.fail("'%s' outside of a loop", t.text)
		}
		return &controlStmt{map[string]control{"break": breakLoop, "continue": continueLoop}[t.text]}, nil
	case "include", "import", "from", "extends":
		return p.loadTag(t)
	}
	return nil, p.fail("unknown tag '%s'", t.text)
}

func (p *parser) ifTag(line int) (stmt, error) {
	soft := p.soft
	p.soft = true
	defer func() { p.soft = soft }()
	s := &ifStmt{line: line}
	for {
		test, err := p.tuple(false, nil, false)
		if err != nil {
			return nil, err
		}
		body, err := p.block("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.tests, s.bodies = append(s.tests, test), append(s.bodies, body)
		switch end := p.next(); end.text {
		case "elif":
			continue
		case "else":
			s.other, err = p.block("endif")
			if err != nil {
				return nil, err
			}
			p.next()
		}
		return s, nil
	}
}

func (p *parser) forTag(line int) (stmt, error) {
	s := &forStmt{line: line}
	var err error
	if s.target, err = p.target(false, "in"); err != nil {
		return nil, err
	}
	if s.target.name == "loop" {
		return nil, p.fail("can't assign to special loop variable in for-loop target")
	}
	if !p.skipName("in") {
		return nil, p.fail("expected token 'in', got '%s'", p.cur().describe())
	}
	if s.iter, err = p.tuple(false, []string{"recursive"}, false); err != nil {
		return nil, err
	}
	soft := p.soft
	p.soft = false
	defer func() { p.soft = soft }()
	if p.skipName("if") {
		if s.test, err = p.expression(); err != nil {
			return nil, err
		}
	}
	s.recursive = p.skipName("recursive")
	p.loops++
	s.body, err = p.block("endfor", "else")
	p.loops--
	if err != nil {
		return nil, err
	}
	if p.next().text == "else" {
		if s.other, err = p.block("endfor"); err != nil {
			return nil, err
		}
		p.next()
	}
	return s, nil
}

// reserved are the names that nothing can be assigned to.
var reserved = []string{"true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"}

// target parses what an assignment sets: names with commas between them, which
// may be grouped by parentheses.
func (p *parser) target(attrs bool, ends ...string) (target, error) {
	var items []target
	comma := false
	for !p.isName(ends...) && !p.isOp("=") && !p.isOp(")") && p.cur().kind != tokBlockEnd && p.cur().kind != tokVarEnd {
		t, err := p.oneTarget(attrs)
		if err != nil {
			return target{}, err
		}
		items = append(items, t)
		if !p.isOp(",") {
			break
		}
		comma = true
		p.next()
	}
	switch {
	case len(items) == 0:
		return target{}, p.fail("expected an assignment target, got '%s'", p.cur().describe())
	case len(items) == 1 && !comma:
		return items[0], nil
	}
	return target{items: items}, nil
}

func (p *parser) oneTarget(attrs bool) (target, error) {
	if p.skipOp("(") {
		if err := p.enter(); err != nil {
			return target{}, err
		}
		defer p.leave()
		t, err := p.target(attrs)
		if err != nil {
			return target{}, err
		}
		return t, p.expectOp(")")
	}
	name, err := p.expect(tokName)
	if err != nil {
		return target{}, err
	}
	if slices.Contains(reserved, name.text) {
		return target{}, p.fail("can't assign to '%s'", name.text)
	}
	t := target{name: name.text}
	if attrs && p.skipOp(".") {
		p.use(name.text)
		attr, err := p.expect(tokName)
		if err != nil {
			return target{}, err
		}
		t.attr = attr.text
	}
	return t, nil
}

// use notes that the macros being parsed read a variable.
func (p *parser) use(name string) {
	for _, m := range p.names {
		m[name] = true
	}
}
