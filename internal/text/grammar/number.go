package grammar

import (
	"fmt"
	"math/big"
)

// maxModulus bounds multipleOf: the automaton has a state for each remainder.
const maxModulus = 10_000

// A numberRange is what a schema asks of a number. A nil limit is none.
type numberRange struct {
	min, max         *big.Rat
	minOpen, maxOpen bool // exclusive
	integer          bool
	multiple         *big.Rat
}

func (r *numberRange) free() bool { return r.min == nil && r.max == nil && r.multiple == nil }

// numberNode is a JSON number in the range. With limits, it is written without
// an exponent.
func numberNode(w *work, r *numberRange) (*node, error) {
	if r.free() {
		if r.integer {
			return jsonInteger, nil
		}
		return jsonNumber, nil
	}
	if r.integer {
		r = r.whole()
	}
	// A negative number is a minus and the number mirrored.
	pos, err := halfNumber(w, r)
	if err != nil {
		return nil, err
	}
	neg, err := halfNumber(w, r.mirrored())
	if err != nil {
		return nil, err
	}
	var alts []*node
	if pos != nil {
		alts = append(alts, pos)
	}
	if neg != nil {
		alts = append(alts, seq(lit("-"), neg))
	}
	if len(alts) == 0 {
		return never, nil
	}
	return ruleOf("number", alt(alts...)), nil
}

// whole rounds the limits of an integer inwards.
func (r *numberRange) whole() *numberRange {
	w := &numberRange{integer: true, multiple: r.multiple}
	if r.min != nil {
		w.min = ceil(r.min)
		if r.minOpen && w.min.Cmp(r.min) == 0 {
			w.min.Add(w.min, big.NewRat(1, 1))
		}
	}
	if r.max != nil {
		w.max = ceil(new(big.Rat).Neg(r.max))
		w.max.Neg(w.max)
		if r.maxOpen && w.max.Cmp(r.max) == 0 {
			w.max.Sub(w.max, big.NewRat(1, 1))
		}
	}
	return w
}

func ceil(r *big.Rat) *big.Rat {
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if m.Sign() != 0 {
		q.Add(q, big.NewInt(1))
	}
	return new(big.Rat).SetInt(q)
}

// mirrored is the range of the negated numbers, zero left out.
func (r *numberRange) mirrored() *numberRange {
	m := &numberRange{minOpen: r.maxOpen, maxOpen: r.minOpen, integer: r.integer, multiple: r.multiple}
	if r.max != nil {
		m.min = new(big.Rat).Neg(r.max)
	}
	if r.min != nil {
		m.max = new(big.Rat).Neg(r.min)
	}
	if m.min == nil || m.min.Sign() < 0 || m.min.Sign() == 0 && !m.minOpen {
		m.min, m.minOpen = new(big.Rat), true
	}
	return m
}

// halfNumber is the numbers of the range from zero up, nil if there are none.
func halfNumber(w *work, r *numberRange) (*node, error) {
	if r.max != nil && (r.max.Sign() < 0 || r.max.Sign() == 0 && r.maxOpen) {
		return nil, nil
	}
	if r.min != nil && r.max != nil && r.min.Cmp(r.max) > 0 {
		return nil, nil
	}
	places := 0 // digits of the whole part
	for _, l := range []*big.Rat{r.min, r.max} {
		if l != nil {
			places = max(places, len(new(big.Int).Quo(l.Num(), l.Denom()).String()))
		}
	}
	places = max(places+1, maxDigits)
	frac := maxFrac
	if r.integer {
		frac = 0
	}
	var parts []*dfa
	add := func(d *dfa, err error) error {
		parts = append(parts, d)
		return err
	}
	if err := add(toDFA(w, seq(digitsUpTo(places), fraction(frac)))); err != nil {
		return nil, err
	}
	if r.min != nil && (r.min.Sign() > 0 || r.minOpen && r.min.Sign() == 0) {
		d, ok := decimalOf(r.min)
		if !ok {
			return nil, fmt.Errorf("the minimum %s has no finite decimal form", r.min)
		}
		if err := add(toDFA(w, atLeast(d, places, r.minOpen))); err != nil {
			return nil, err
		}
	}
	if r.max != nil {
		d, ok := decimalOf(r.max)
		if !ok {
			return nil, fmt.Errorf("the maximum %s has no finite decimal form", r.max)
		}
		if err := add(toDFA(w, atMost(d, r.maxOpen))); err != nil {
			return nil, err
		}
	}
	if r.multiple != nil {
		if err := add(multiples(r.multiple)); err != nil {
			return nil, err
		}
	}
	d, err := intersect(w, parts...)
	if isEmpty(err) {
		return nil, nil
	}
	return &node{op: opDFA, dfa: d}, err
}

// digitsUpTo is a whole number of at most n digits, without leading zeros.
func digitsUpTo(n int) *node { return alt(lit("0"), seq(nonzero, repeat(digit, 0, n-1))) }

func fraction(n int) *node {
	if n == 0 {
		return nothing
	}
	return opt(seq(lit("."), repeat(digit, 1, n)))
}

func digitsFrom(lo, hi byte) *node {
	if lo > hi {
		return never
	}
	return runes(rune(lo), rune(hi))
}

// atLeast is the numbers >= d (> d if open) of up to n digits before the point.
func atLeast(d *decimalNum, n int, open bool) *node {
	anyFrac := opt(seq(lit("."), plus(digit)))
	var alts []*node
	if k := len(d.whole); k < n {
		alts = append(alts, seq(nonzero, repeat(digit, k, n-1), anyFrac)) // more digits
	}
	for i := range d.whole { // alike up to i, then a larger digit
		alts = append(alts, seq(lit(d.whole[:i]), digitsFrom(d.whole[i]+1, '9'),
			repeat(digit, len(d.whole)-i-1, len(d.whole)-i-1), anyFrac))
	}
	// Alike before the point: the fraction decides.
	var fracs []*node
	for i := range d.frac {
		fracs = append(fracs, seq(lit(d.frac[:i]), digitsFrom(d.frac[i]+1, '9'), star(digit)))
	}
	if open {
		fracs = append(fracs, seq(lit(d.frac), star(lit("0")), nonzero, star(digit)))
	} else {
		fracs = append(fracs, seq(lit(d.frac), star(digit)))
	}
	same := seq(lit("."), alt(fracs...))
	if !open && d.frac == "" {
		same = anyFrac
	}
	return alt(append(alts, seq(lit(d.whole), same))...)
}

// atMost is the numbers <= d (< d if open).
func atMost(d *decimalNum, open bool) *node {
	anyFrac := opt(seq(lit("."), plus(digit)))
	var alts []*node
	if k := len(d.whole); k > 1 {
		alts = append(alts, seq(digitsUpTo(k-1), anyFrac)) // fewer digits
	}
	for i := range d.whole {
		lowest := byte('0')
		if i == 0 && len(d.whole) > 1 {
			lowest = '1'
		}
		alts = append(alts, seq(lit(d.whole[:i]), digitsFrom(lowest, d.whole[i]-1),
			repeat(digit, len(d.whole)-i-1, len(d.whole)-i-1), anyFrac))
	}
	var fracs []*node
	for i := range d.frac {
		fracs = append(fracs, seq(lit(d.frac[:i]), digitsFrom('0', d.frac[i]-1), star(digit)))
		if i > 0 {
			fracs = append(fracs, lit(d.frac[:i])) // a shorter fraction is smaller
		}
	}
	if !open {
		fracs = append(fracs, seq(lit(d.frac), star(lit("0"))))
	}
	same := seq(lit("."), alt(fracs...))
	if !open || d.frac != "" {
		same = opt(same)
	}
	return alt(append(alts, seq(lit(d.whole), same))...)
}

// multiples is the numbers from zero up that are multiples of m. A state is the
// remainder of what was read, in units of m's last decimal place, and the
// number of places read after the point.
func multiples(m *big.Rat) (*dfa, error) {
	d, ok := decimalOf(m)
	if !ok || m.Sign() <= 0 {
		return nil, fmt.Errorf("multipleOf %s is not a positive decimal number", m)
	}
	k := len(d.frac)
	mod, _ := new(big.Int).SetString(d.whole+d.frac, 10)
	if !mod.IsInt64() || mod.Int64()*int64(k+2) > maxModulus {
		return nil, tooLarge("multipleOf %s needs more than %d remainders", d.text(), maxModulus)
	}
	n := int(mod.Int64())
	// pow[j]: what the digits read count for at the end, with j places read.
	pow := make([]int, k+1)
	pow[k] = 1 % n
	for j := k - 1; j >= 0; j-- {
		pow[j] = pow[j+1] * 10 % n
	}
	out := &dfa{states: make([]dfaState, n*(k+2)+1)}
	// State 0 is the start; then whole remainders; then those after the point.
	at := func(places, rem int) int32 { return int32(1 + places*n + rem) }
	for rem := range n {
		s := &out.states[at(0, rem)]
		s.accept = rem*pow[0]%n == 0
		if k > 0 {
			s.addEdge('.', '.', at(1, rem)) // no place read yet
		}
		for c := range 10 {
			s.addEdge(byte('0'+c), byte('0'+c), at(0, (rem*10+c)%n))
		}
		for j := range k {
			s := &out.states[at(1+j, rem)]
			s.accept = j > 0 && rem*pow[j]%n == 0
			for c := range 10 {
				s.addEdge(byte('0'+c), byte('0'+c), at(2+j, (rem*10+c)%n))
			}
		}
		if k > 0 {
			out.states[at(1+k, rem)].accept = rem*pow[k]%n == 0
		}
	}
	for c := range 10 {
		out.states[0].addEdge(byte('0'+c), byte('0'+c), at(0, c%n))
	}
	return out.trim()
}
