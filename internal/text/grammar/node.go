package grammar

// A node is a piece of grammar before it becomes an automaton. Nodes are shared
// freely and never changed once they are in use; only the body of a rule is set
// later, so that rules can call themselves.
type node struct {
	op   op
	text string      // opText, opSpecial
	set  []runeRange // opSet: code points, sorted, without surrogates
	subs []*node     // opSeq, opAlt, opRepeat (one)
	min  int         // opRepeat
	max  int         // opRepeat; -1 without limit
	rule *rule       // opCall
	dfa  *dfa        // opDFA
	json bool        // opDFA: the automaton is over the decoded text of a JSON string

	members *members // opMembers
}

type op uint8

const (
	opText    op = iota // exactly text; "" is nothing at all
	opSet               // one code point out of set, as UTF-8
	opSeq               // subs in order; none is nothing at all
	opAlt               // one of subs; none can never match
	opRepeat            // subs[0], min to max times
	opCall              // a rule
	opSpecial           // a special token, or its text
	opDFA               // a text that dfa accepts
	opMembers           // the members of an object
)

// A rule is a named node that can be called from several places.
type rule struct {
	name string
	body *node
}

type runeRange struct{ lo, hi rune }

// members describes a comma-separated list of an object's members.
type members struct {
	listed []member // in order
	extra  []*node  // kinds of members beyond the listed ones, any number of each
	min    int
	max    int  // -1 without limit
	any    bool // listed members come in any order
	sep    *node
}

type member struct {
	body     *node
	required bool
}

var nothing = &node{op: opText}

// never is the grammar that matches nothing, not even the empty text.
var never = &node{op: opAlt}

func lit(s string) *node { return &node{op: opText, text: s} }

func special(s string) *node { return &node{op: opSpecial, text: s} }

func call(r *rule) *node { return &node{op: opCall, rule: r} }

func ruleOf(name string, body *node) *node { return call(&rule{name: name, body: body}) }

func seq(subs ...*node) *node {
	if len(subs) == 1 {
		return subs[0]
	}
	return &node{op: opSeq, subs: subs}
}

func alt(subs ...*node) *node {
	if len(subs) == 1 {
		return subs[0]
	}
	return &node{op: opAlt, subs: subs}
}

func repeat(n *node, least, most int) *node {
	if least == 1 && most == 1 {
		return n
	}
	return &node{op: opRepeat, subs: []*node{n}, min: max(least, 0), max: most}
}

func opt(n *node) *node  { return repeat(n, 0, 1) }
func star(n *node) *node { return repeat(n, 0, -1) }
func plus(n *node) *node { return repeat(n, 1, -1) }

func runes(r ...rune) *node {
	n := &node{op: opSet}
	for i := 0; i+1 < len(r); i += 2 {
		n.set = append(n.set, runeRange{r[i], r[i+1]})
	}
	return n
}

// nullable reports whether n matches the empty text. known holds what is known
// about rules; a rule that is being looked at counts as not nullable, since a
// call of itself adds nothing that is shorter.
func nullable(n *node, known map[*rule]bool) bool {
	switch n.op {
	case opText:
		return n.text == ""
	case opSeq:
		for _, s := range n.subs {
			if !nullable(s, known) {
				return false
			}
		}
		return true
	case opAlt:
		for _, s := range n.subs {
			if nullable(s, known) {
				return true
			}
		}
		return false
	case opRepeat:
		return n.min == 0 || nullable(n.subs[0], known)
	case opCall:
		v, ok := known[n.rule]
		if !ok {
			known[n.rule] = false
			v = nullable(n.rule.body, known)
			known[n.rule] = v
		}
		return v
	case opDFA:
		return n.dfa.states[0].accept
	case opMembers:
		for _, m := range n.members.listed {
			if m.required {
				return false
			}
		}
		return n.members.min == 0
	}
	return false
}

// isNullable is nullable for a node of its own.
func isNullable(n *node) bool { return nullable(n, map[*rule]bool{}) }

// nonEmpty returns n without the empty text. A counted loop needs it: going
// round without a byte would change nothing but the counter.
func nonEmpty(n *node, done map[*rule]*rule) *node {
	if !isNullable(n) {
		return n
	}
	switch n.op {
	case opSeq:
		// A B C without the empty text: the first part that is not empty may be
		// any of them, if all before it are empty.
		var alts []*node
		for i, s := range n.subs {
			alts = append(alts, seq(append([]*node{nonEmpty(s, done)}, n.subs[i+1:]...)...))
			if !isNullable(s) {
				break
			}
		}
		return alt(alts...)
	case opAlt:
		alts := make([]*node, len(n.subs))
		for i, s := range n.subs {
			alts[i] = nonEmpty(s, done)
		}
		return alt(alts...)
	case opRepeat:
		body := nonEmpty(n.subs[0], done)
		least := max(n.min, 1)
		if isNullable(n.subs[0]) {
			least = 1
		}
		if n.max == 0 {
			return never
		}
		return repeat(body, least, n.max)
	case opCall:
		if r, ok := done[n.rule]; ok {
			return call(r)
		}
		r := &rule{name: n.rule.name}
		done[n.rule] = r
		r.body = nonEmpty(n.rule.body, done)
		return call(r)
	case opDFA:
		c := *n
		c.dfa = n.dfa.nonEmpty()
		return &c
	case opMembers:
		c := *n
		m := *n.members
		m.min = max(m.min, 1)
		c.members = &m
		return &c
	}
	return never // opText ""
}
