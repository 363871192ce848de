package grammar

// The lexical parts of JSON. All numbers of repetitions are bounded where an
// endless run would be useless: blanks, digits, levels of free values.

const (
	// defaultFreeDepth is how deep values of any shape may nest.
	defaultFreeDepth = 24

	maxIndent = 40 // blanks after a line break
	maxDigits = 18 // of a number's integer part, unless a limit has more
	maxFrac   = 20 // of its fraction
)

var (
	hexDigit = runes('0', '9', 'A', 'F', 'a', 'f')
	digit    = runes('0', '9')
	nonzero  = runes('1', '9')

	// jsonChar is one character of a JSON string in any spelling: itself, or
	// escaped; two escapes make a character beyond U+FFFF, and no lone
	// surrogate is one. Matchers know this rule, see program.plain.
	jsonChar = &rule{name: "character", body: alt(
		runes(0x20, 0x21, 0x23, 0x5B, 0x5D, surrogate0-1, surrogate1+1, maxRune),
		seq(lit(`\`), alt(
			&node{op: opSet, set: charsOf(`"\/bfnrt`)},
			seq(lit(`u`), alt(
				hexNoSurrogate,
				seq(&node{op: opSet, set: charsOf("dD")}, runes('8', '9', 'A', 'B', 'a', 'b'), hexDigit, hexDigit,
					lit(`\u`), &node{op: opSet, set: charsOf("dD")}, runes('C', 'F', 'c', 'f'), hexDigit, hexDigit),
			)),
		)),
	)}

	hexNoSurrogate = alt(
		seq(runes('0', '9', 'A', 'C', 'E', 'F', 'a', 'c', 'e', 'f'), hexDigit, hexDigit, hexDigit),
		seq(&node{op: opSet, set: charsOf("dD")}, runes('0', '7'), hexDigit, hexDigit),
	)

	// jsonString is any JSON string.
	jsonString = ruleOf("string", stringOf(0, -1))

	jsonNumber = ruleOf("number", seq(
		opt(lit("-")), wholeNumber,
		opt(seq(lit("."), repeat(digit, 1, maxFrac))),
		opt(exponent),
	))
	jsonInteger = ruleOf("integer", seq(opt(lit("-")), wholeNumber))
	jsonBool    = alt(lit("true"), lit("false"))
	jsonNull    = lit("null")

	wholeNumber = alt(lit("0"), seq(nonzero, repeat(digit, 0, maxDigits-1)))

	// exponent stays below what a double can hold after maxDigits digits.
	exponent = seq(&node{op: opSet, set: charsOf("eE")}, opt(&node{op: opSet, set: charsOf("+-")}),
		alt(repeat(digit, 1, 2), seq(lit("1"), digit, digit), seq(lit("2"), runes('0', '7'), digit)))
)

func charsOf(s string) []runeRange {
	var out []runeRange
	for _, r := range s {
		out = append(out, runeRange{r, r})
	}
	return out
}

// stringOf is a JSON string of least to most characters (-1: no limit).
func stringOf(least, most int) *node {
	body := &node{op: opRepeat, subs: []*node{call(jsonChar)}, min: least, max: most}
	return seq(lit(`"`), body, lit(`"`))
}

// blanks are what may stand between JSON's signs: nothing, a space, or a line
// break and an indent.
var (
	looseBlanks = ruleOf("blanks", opt(alt(
		lit(" "),
		seq(lit("\n"), alt(repeat(lit(" "), 0, maxIndent), repeat(lit("\t"), 1, maxIndent/2))),
	)))
	noBlanks = nothing
)

// quoted returns a text as JSON spells it, without escapes that JSON does not
// ask for.
func quoted(s string) string {
	out := make([]byte, 0, len(s)+2)
	out = append(out, '"')
	for i := range len(s) {
		if e := escapeOf(s[i]); e != "" {
			out = append(out, e...)
		} else {
			out = append(out, s[i])
		}
	}
	return string(append(out, '"'))
}

// free makes values of any shape, each level of nesting from the one below.
type free struct {
	blanks *node
	levels []*rule // levels[n]: n levels of arrays and objects inside
}

// value is any JSON value with at most depth levels.
func (f *free) value(depth int) *node {
	for n := len(f.levels); n <= depth; n++ {
		f.levels = append(f.levels, &rule{name: "value"})
		kinds := []*node{jsonString, jsonNumber, jsonBool, jsonNull}
		if n > 0 {
			kinds = append(kinds, f.object(n-1), f.array(n-1))
		}
		f.levels[n].body = alt(kinds...)
	}
	return call(f.levels[depth])
}

// object is any object whose values have at most depth levels.
func (f *free) object(depth int) *node {
	return objectOf(f.blanks, &members{
		extra: []*node{seq(jsonString, lit(":"), f.blanks, f.value(depth))},
		max:   -1,
	})
}

func (f *free) array(depth int) *node {
	return arrayOf(f.blanks, nil, f.value(depth), 0, -1)
}

// objectOf is an object with these members.
func objectOf(blanks *node, m *members) *node {
	m.sep = seq(lit(","), blanks)
	optional := m.min == 0 && isNullable(&node{op: opMembers, members: m})
	if len(m.listed)+len(m.extra) == 0 || m.max == 0 {
		if !optional {
			return never
		}
		return seq(lit("{"), blanks, lit("}"))
	}
	filled := *m
	filled.min = max(m.min, 1)
	full := seq(lit("{"), blanks, &node{op: opMembers, members: &filled}, blanks, lit("}"))
	if !optional {
		return full
	}
	return alt(seq(lit("{"), blanks, lit("}")), full)
}

// arrayOf is an array: the listed elements in order, as many of them as are
// there, then any number of rest (nil: none); least to most in all.
func arrayOf(blanks *node, listed []*node, rest *node, least, most int) *node {
	empty := seq(lit("["), blanks, lit("]"))
	sep := seq(lit(","), blanks)
	n := len(listed)
	if most >= 0 && n > most {
		n = most
	}
	more := rest != nil && (most < 0 || most > n)
	upTo := -1
	if most >= 0 {
		upTo = most - n
	}
	var body *node
	switch {
	case n > 0:
		tail := nothing
		if more {
			tail = repeat(seq(sep, rest), max(0, least-n), upTo)
		} else if least > n {
			return never
		}
		for i := n - 1; i > 0; i-- {
			tail = seq(sep, listed[i], tail)
			if least <= i {
				tail = opt(tail)
			}
		}
		body = seq(listed[0], tail)
	case more:
		if upTo > 0 {
			upTo--
		}
		body = seq(rest, repeat(seq(sep, rest), max(0, least-1), upTo))
	case least > 0:
		return never
	default:
		return empty
	}
	full := seq(lit("["), blanks, body, blanks, lit("]"))
	if least == 0 {
		return alt(empty, full)
	}
	return full
}

// JSONObject is any JSON object.
func JSONObject() *Grammar {
	f := &free{blanks: looseBlanks}
	return newGrammar(ruleOf("object", f.object(defaultFreeDepth)))
}
