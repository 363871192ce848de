package jinja

import "slices"

func (p *parser) setTag(line int) (stmt, error) {
	t, err := p.target(true)
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		x, err := p.tuple(true, nil, false)
		return &setStmt{t, x, line}, err
	}
	s := &setBlockStmt{target: t, line: line}
	if s.filter, err = p.filters(nil, false); err != nil {
		return nil, err
	}
	s.body, err = p.inner("endset")
	return s, err
}

// signature parses the parameters of a macro or a call block.
func (p *parser) signature(m *macroStmt) error {
	if err := p.expectOp("("); err != nil {
		return err
	}
	for !p.isOp(")") {
		if len(m.params) > 0 {
			if err := p.expectOp(","); err != nil {
				return err
			}
			if p.isOp(")") {
				break
			}
		}
		t, err := p.oneTarget(false)
		if err != nil {
			return err
		}
		if t.name == "" {
			return p.fail("expected a parameter name")
		}
		if slices.Contains(m.params, t.name) {
			return p.fail("duplicate parameter '%s'", t.name)
		}
		m.params = append(m.params, t.name)
		if p.skipOp("=") {
			d, err := p.expression()
			if err != nil {
				return err
			}
			m.defaults = append(m.defaults, d)
		} else if len(m.defaults) > 0 {
			return p.fail("non-default argument follows default argument")
		}
	}
	p.next()
	return nil
}

// function parses the rest of a macro or a call block, and finds out which of
// the implicit variables its body reads.
func (p *parser) function(m *macroStmt, sig bool, end string) error {
	used := map[string]bool{}
	p.names = append(p.names, used)
	loops := p.loops
	p.loops = 0
	defer func() {
		p.names = p.names[:len(p.names)-1]
		p.loops = loops
	}()
	if sig {
		if err := p.signature(m); err != nil {
			return err
		}
	}
	var err error
	m.body, err = p.inner(end)
	m.varargs, m.kwargs, m.caller = used["varargs"], used["kwargs"], used["caller"]
	return err
}

func (p *parser) macroTag() (stmt, error) {
	name, err := p.expect(tokName)
	if err != nil {
		return nil, err
	}
	m := &macroStmt{name: name.text}
	if !p.isOp("(") {
		return nil, p.expectOp("(")
	}
	return m, p.function(m, true, "endmacro")
}

func (p *parser) callTag(line int) (stmt, error) {
	// The parameters come first, but belong to the body: they are parsed into
	// the same function as the body after the call itself.
	m := &macroStmt{name: "caller"}
	if p.isOp("(") {
		if err := p.signature(m); err != nil {
			return nil, err
		}
	}
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := x.(*callExpr)
	if !ok {
		return nil, p.fail("expected call")
	}
	return &callStmt{call, m, line}, p.function(m, false, "endcall")
}

func (p *parser) filterTag(line int) (stmt, error) {
	f, err := p.filters(nil, true)
	if err != nil {
		return nil, err
	}
	body, err := p.inner("endfilter")
	return &filterStmt{f, body, line}, err
}

func (p *parser) withTag(line int) (stmt, error) {
	s := &withStmt{line: line}
	for p.cur().kind != tokBlockEnd {
		if len(s.targets) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		t, err := p.oneTarget(false)
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.targets, s.values = append(s.targets, t), append(s.values, x)
	}
	var err error
	s.body, err = p.inner("endwith")
	return s, err
}

func (p *parser) blockTag(line int) (stmt, error) {
	name, err := p.expect(tokName)
	if err != nil {
		return nil, err
	}
	s := &blockStmt{name: name.text, line: line}
	s.scoped = p.skipName("scoped")
	s.required = p.skipName("required")
	if p.blocks[s.name] != nil {
		return nil, p.fail("block '%s' defined twice", s.name)
	}
	p.blocks[s.name] = s
	loops := p.loops
	p.loops = 0
	defer func() { p.loops = loops }()
	if s.body, err = p.inner("endblock"); err != nil {
		return nil, err
	}
	if p.cur().kind == tokName && p.next().text != s.name {
		return nil, p.fail("'%s' ends the wrong block: '%s' is open", p.toks[p.i-1].text, s.name)
	}
	return s, nil
}

// loadTag parses the tags that need a loader. There is none: they fail when a
// rendering reaches them, as the reference's do.
func (p *parser) loadTag(t token) (stmt, error) {
	if _, err := p.expression(); err != nil {
		return nil, err
	}
	for p.cur().kind != tokBlockEnd {
		if p.cur().kind != tokName && !p.isOp(",") {
			return nil, p.fail("unexpected '%s' in a %s tag", p.cur().describe(), t.text)
		}
		p.next()
	}
	return &loadStmt{t.text, t.line}, nil
}
