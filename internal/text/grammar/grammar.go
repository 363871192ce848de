package grammar

import (
	"errors"
	"fmt"
	"sync"
)

// A Grammar is a set of byte strings and special tokens that an answer must
// belong to. It never changes after it was made and may be used by several
// goroutines.
type Grammar struct {
	root *node

	once sync.Once
	prog *program
	err  error

	mu     sync.Mutex
	shared map[*Vocabulary]*shared
}

// ErrTooLarge is wrapped by errors about grammars whose automaton would be
// larger than the limits of this package.
var ErrTooLarge = errors.New("the grammar is too large")

// ErrEmpty is wrapped by errors about grammars that no text satisfies.
var ErrEmpty = errors.New("nothing can satisfy the grammar")

func newGrammar(n *node) *Grammar { return &Grammar{root: n} }

// checked returns a grammar whose automaton has been built.
func checked(n *node) (*Grammar, error) {
	g := newGrammar(n)
	if err := g.Check(); err != nil {
		return nil, err
	}
	return g, nil
}

// Check builds the automaton, if that was not done before, and returns what is
// wrong with the grammar. [NewMatcher] calls it too.
func (g *Grammar) Check() error {
	_, err := g.program()
	return err
}

func (g *Grammar) program() (*program, error) {
	g.once.Do(func() {
		if g.prog, g.err = build(g.root); g.err != nil {
			g.prog, g.err = nil, fmt.Errorf("grammar: %w", g.err)
		}
	})
	return g.prog, g.err
}

// States returns the number of states of the automaton, 0 if it could not be
// built.
func (g *Grammar) States() int {
	p, err := g.program()
	if err != nil {
		return 0
	}
	return len(p.states)
}

// Text is exactly this text.
func Text(s string) *Grammar { return newGrammar(lit(s)) }

// Token is the special token with this text, or the text itself where a
// vocabulary has no such token.
func Token(text string) *Grammar { return newGrammar(special(text)) }

// Choice is exactly one of the texts.
func Choice(texts []string) (*Grammar, error) {
	if len(texts) == 0 {
		return nil, fmt.Errorf("grammar: a choice of no texts: %w", ErrEmpty)
	}
	n, err := choice(texts)
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	return checked(n)
}

// Concat is one grammar after the other.
func Concat(gs ...*Grammar) *Grammar { return newGrammar(seq(roots(gs)...)) }

// OneOf is any one of the grammars.
func OneOf(gs ...*Grammar) *Grammar { return newGrammar(alt(roots(gs)...)) }

// Optional is the grammar or nothing.
func Optional(g *Grammar) *Grammar { return newGrammar(opt(g.root)) }

// Repeat is the grammar least to most times; most below 0 is without limit.
func Repeat(g *Grammar, least, most int) *Grammar {
	return newGrammar(repeat(g.root, least, most))
}

// Until is any text (valid UTF-8) in which none of the stop texts occurs. It is
// what comes before a marker: Concat(Until("<call>"), Text("<call>"), call).
func Until(stops ...string) (*Grammar, error) {
	n, err := textWithout(stops)
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	return checked(n)
}

func roots(gs []*Grammar) []*node {
	ns := make([]*node, len(gs))
	for i, g := range gs {
		ns[i] = g.root
	}
	return ns
}
