package jinja

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// expression parses the loosest binding: x if test else y.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	unknown := len(p.unknown)
	x, err := p.or()
	if err == nil && p.isName("if") {
		// The filters of a conditional are checked when they run.
		defer func() { p.unknown = p.unknown[:unknown] }()
	}
	for err == nil && p.skipName("if") {
		c := &condExpr{yes: x}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skipName("else") {
			c.no, err = p.expression()
		}
		x = c
	}
	return x, err
}

func (p *parser) or() (expr, error) {
	l, err := p.and()
	for err == nil && p.skipName("or") {
		var r expr
		r, err = p.and()
		l = &logicExpr{false, l, r}
	}
	return l, err
}

func (p *parser) and() (expr, error) {
	l, err := p.not()
	for err == nil && p.skipName("and") {
		var r expr
		r, err = p.not()
		l = &logicExpr{true, l, r}
	}
	return l, err
}

func (p *parser) not() (expr, error) {
	if !p.skipName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	x, err := p.not()
	return &notExpr{x}, err
}

func (p *parser) compare() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &compareExpr{first: first}
	for {
		op := ""
		switch t := p.cur(); {
		case t.kind == tokOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = t.text
		case p.isName("in"):
			op = "in"
		case p.isName("not") && p.peek().kind == tokName && p.peek().text == "in":
			p.next()
			op = "not in"
		}
		if op == "" {
			break
		}
		p.next()
		x, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, x)
	}
	if len(c.ops) == 0 {
		return first, nil
	}
	return c, nil
}

func (p *parser) sum() (expr, error) { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() (expr, error) {
	x, err := p.product()
	if err != nil || !p.isOp("~") {
		return x, err
	}
	parts := []expr{x}
	for p.skipOp("~") {
		if x, err = p.product(); err != nil {
			return nil, err
		}
		parts = append(parts, x)
	}
	return &concatExpr{parts}, nil
}

func (p *parser) product() (expr, error) { return p.binary(p.power, "*", "/", "//", "%") }

// power binds from left to right and looser than a sign: -2 ** 2 is 4.
func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) binary(sub func() (expr, error), ops ...string) (expr, error) {
	l, err := sub()
	for err == nil && p.cur().kind == tokOp && slices.Contains(ops, p.cur().text) {
		op := p.next().text
		var r expr
		r, err = sub()
		l = &binaryExpr{op, l, r}
	}
	return l, err
}

func (p *parser) unary(filters bool) (expr, error) {
	var x expr
	var err error
	if t := p.cur(); p.isOp("-") || p.isOp("+") {
		p.next()
		if err := p.enter(); err != nil {
			return nil, err
		}
		x, err = p.unary(false)
		p.leave()
		x = &unaryExpr{t.text, x}
	} else {
		x, err = p.primary()
	}
	if err != nil {
		return nil, err
	}
	if x, err = p.postfix(x); err != nil || !filters {
		return x, err
	}
	return p.filterChain(x)
}

func (p *parser) primary() (expr, error) {
	t := p.cur()
	switch t.kind {
	case tokName:
		p.next()
		switch t.text {
		case "true", "True":
			return &constExpr{true}, nil
		case "false", "False":
			return &constExpr{false}, nil
		case "none", "None":
			return &constExpr{None}, nil
		}
		p.use(t.text)
		return &nameExpr{t.text}, nil
	case tokString:
		p.next()
		if p.cur().kind != tokString {
			return &constExpr{Text(t.text)}, nil
		}
		var b strings.Builder
		b.WriteString(t.text)
		for p.cur().kind == tokString {
			b.WriteString(p.next().text)
		}
		return &constExpr{Text(b.String())}, nil
	case tokInt, tokFloat:
		return p.number()
	case tokOp:
		switch t.text {
		case "(":
			p.next()
			x, err := p.tuple(true, nil, true)
			if err != nil {
				return nil, err
			}
			return x, p.expectOp(")")
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	return nil, p.fail("unexpected '%s'", t.describe())
}

func (p *parser) number() (expr, error) {
	t := p.next()
	if t.kind == tokFloat {
		// An overflow gives infinity, as in Python.
		f, _ := strconv.ParseFloat(t.text, 64)
		return &constExpr{f}, nil
	}
	if len(t.text) > maxIntDigits {
		return nil, p.fail("an integer of %d digits: at most %d are allowed", len(t.text), maxIntDigits)
	}
	n, ok := new(big.Int).SetString(t.text, 0)
	if !ok {
		return nil, p.fail("invalid integer '%s'", t.text)
	}
	return &constExpr{normInt(n)}, nil
}

// tuple parses expressions with commas between them; one without a comma is
// itself. ends are names that end it; parens allows the empty tuple.
func (p *parser) tuple(cond bool, ends []string, parens bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	one := p.expression
	if !cond {
		one = p.or
	}
	var items []expr
	for comma := false; ; {
		if p.tupleEnd(ends) {
			if len(items) == 1 && !comma {
				return items[0], nil
			}
			break
		}
		x, err := one()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if !p.skipOp(",") {
			if len(items) == 1 {
				return x, nil
			}
			break
		}
		comma = true
	}
	if len(items) == 0 && !parens {
		return nil, p.fail("expected an expression, got '%s'", p.cur().describe())
	}
	return &tupleExpr{items}, nil
}

func (p *parser) tupleEnd(ends []string) bool {
	k := p.cur().kind
	return k == tokVarEnd || k == tokBlockEnd || p.isOp(")") || p.isName(ends...)
}

func (p *parser) list() (expr, error) {
	p.next()
	l := &listExpr{}
	for !p.isOp("]") {
		if len(l.items) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.isOp("]") {
				break
			}
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, x)
	}
	p.next()
	return l, nil
}

func (p *parser) dict() (expr, error) {
	p.next()
	d := &dictExpr{}
	for !p.isOp("}") {
		if len(d.keys) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.isOp("}") {
				break
			}
		}
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.vals = append(d.keys, k), append(d.vals, v)
	}
	p.next()
	return d, nil
}
