package jinja

import (
	"math/big"
	"slices"
	"strings"
)

// postfix parses attributes, subscripts and calls after a primary.
func (p *parser) postfix(x expr) (expr, error) {
	var err error
	for n := 0; err == nil; n++ {
		if n > 2*maxNesting {
			return nil, p.fail("more than %d attributes and calls in a row", 2*maxNesting)
		}
		switch {
		case p.isOp("."):
			x, err = p.attribute(x)
		case p.isOp("["):
			x, err = p.subscript(x)
		case p.isOp("("):
			x, err = p.call(x)
		default:
			return x, nil
		}
	}
	return nil, err
}

func (p *parser) attribute(x expr) (expr, error) {
	p.next()
	t := p.next()
	switch t.kind {
	case tokName:
		return &attrExpr{x, t.text}, nil
	case tokInt:
		n, ok := new(big.Int).SetString(t.text, 0)
		if !ok {
			return nil, p.fail("invalid index '%s'", t.text)
		}
		return &itemExpr{x, &constExpr{normInt(n)}}, nil
	}
	return nil, p.fail("expected name or number, got '%s'", t.describe())
}

func (p *parser) subscript(x expr) (expr, error) {
	p.next()
	var items []expr
	comma := false
	for !p.isOp("]") {
		if len(items) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			comma = true
			if p.isOp("]") {
				break
			}
		}
		i, err := p.subscripted()
		if err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	p.next()
	switch {
	case len(items) == 1 && !comma:
		return &itemExpr{x, items[0]}, nil
	}
	return &itemExpr{x, &tupleExpr{items}}, nil
}

// subscripted parses an index or a slice.
func (p *parser) subscripted() (expr, error) {
	s := &sliceExpr{}
	var err error
	if !p.isOp(":") {
		if s.lo, err = p.expression(); err != nil {
			return nil, err
		}
		if !p.isOp(":") {
			return s.lo, nil
		}
	}
	p.next()
	if !p.isOp(":") && !p.isOp("]") && !p.isOp(",") {
		if s.hi, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.skipOp(":") && !p.isOp("]") && !p.isOp(",") {
		if s.step, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) call(x expr) (expr, error) {
	line := p.cur().line
	a, err := p.callArgs()
	return &callExpr{x, a, line}, err
}

// callArgs parses the arguments of a call with their parentheses.
func (p *parser) callArgs() (callArgs, error) {
	var a callArgs
	p.next()
	for first := true; !p.isOp(")"); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return a, err
			}
			if p.isOp(")") {
				break
			}
		}
		if err := p.callArg(&a); err != nil {
			return a, err
		}
	}
	p.next()
	return a, nil
}

func (p *parser) callArg(a *callArgs) error {
	bad := func() error { return p.fail("invalid syntax for function call expression") }
	var err error
	switch {
	case p.isOp("*"):
		if a.star != nil || a.starStar != nil {
			return bad()
		}
		p.next()
		a.star, err = p.expression()
	case p.isOp("**"):
		if a.starStar != nil {
			return bad()
		}
		p.next()
		a.starStar, err = p.expression()
	case p.cur().kind == tokName && p.peek().kind == tokOp && p.peek().text == "=":
		if a.starStar != nil {
			return bad()
		}
		name := p.next().text
		if slices.Contains(a.names, name) {
			return p.fail("keyword argument repeated: %s", name)
		}
		p.next()
		var x expr
		x, err = p.expression()
		a.names, a.named = append(a.names, name), append(a.named, x)
	default:
		if a.star != nil || a.starStar != nil || len(a.names) > 0 {
			return bad()
		}
		var x expr
		x, err = p.expression()
		a.pos = append(a.pos, x)
	}
	return err
}

// filterChain parses filters, tests and calls after an operand.
func (p *parser) filterChain(x expr) (expr, error) {
	var err error
	for n := 0; err == nil; n++ {
		if n > 2*maxNesting {
			return nil, p.fail("more than %d filters in a row", 2*maxNesting)
		}
		switch {
		case p.isOp("|"):
			x, err = p.filters(x, false)
		case p.isName("is"):
			x, err = p.test(x)
		case p.isOp("("):
			x, err = p.call(x)
		default:
			return x, nil
		}
	}
	return nil, err
}

// filters parses "|name(args)" as often as it is there; inline says that the
// first bar is left out.
func (p *parser) filters(x expr, inline bool) (expr, error) {
	for inline || p.isOp("|") {
		if !inline {
			p.next()
		}
		inline = false
		name, err := p.dottedName()
		if err != nil {
			return nil, err
		}
		if filterTable[name] == nil && !p.soft {
			p.unknown = append(p.unknown, p.fail("no filter named '%s'", name))
		}
		f := &filterExpr{x: x, name: name}
		if p.isOp("(") {
			if f.callArgs, err = p.callArgs(); err != nil {
				return nil, err
			}
		}
		x = f
	}
	return x, nil
}

func (p *parser) dottedName() (string, error) {
	t, err := p.expect(tokName)
	if err != nil {
		return "", err
	}
	parts := []string{t.text}
	for p.skipOp(".") {
		if t, err = p.expect(tokName); err != nil {
			return "", err
		}
		parts = append(parts, t.text)
	}
	return strings.Join(parts, "."), nil
}

// test parses "is name", with arguments in parentheses or one operand.
func (p *parser) test(x expr) (expr, error) {
	p.next()
	t := &testExpr{x: x, not: p.skipName("not")}
	var err error
	if t.name, err = p.dottedName(); err != nil {
		return nil, err
	}
	switch {
	case p.isOp("("):
		t.callArgs, err = p.callArgs()
	case p.startsOperand():
		if p.isName("is") {
			return nil, p.fail("you cannot chain multiple tests with is")
		}
		var a expr
		if a, err = p.primary(); err == nil {
			a, err = p.postfix(a)
		}
		t.pos = []expr{a}
	}
	if err == nil && testTable[t.name] == nil && !p.soft {
		p.unknown = append(p.unknown, p.fail("no test named '%s'", t.name))
	}
	return t, err
}

func (p *parser) startsOperand() bool {
	switch p.cur().kind {
	case tokName:
		return !p.isName("else", "or", "and")
	case tokString, tokInt, tokFloat:
		return true
	}
	return p.isOp("(") || p.isOp("[") || p.isOp("{")
}
