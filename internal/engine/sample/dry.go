package sample

import (
	"math"
	"slices"
	"strings"
)

// dry holds the breakers in the form that the search needs.
type dry struct {
	DRY
	single map[int32]bool      // breakers of one token
	byLast map[int32][][]int32 // longer breakers by their last token
	maxExp float64
}

// A pair is a token and the length of the repetition that it would lengthen.
type pair struct{ id, n int32 }

func (d *dry) init(o DRY) {
	d.DRY = o
	d.single, d.byLast = map[int32]bool{}, map[int32][][]int32{}
	for _, b := range o.Breakers {
		switch n := len(b); n {
		case 0:
		case 1:
			d.single[b[0]] = true
		default:
			d.byLast[b[n-1]] = append(d.byLast[b[n-1]], b)
		}
	}
	if o.Base > 1.000001 { // below that base^e cannot overflow a float32
		d.maxExp = math.Floor(math.Log(math.MaxFloat32) / math.Log(o.Base))
	}
}

func (d *dry) apply(sc *Scratch, logits []float32, history []int32) {
	if d.Multiplier == 0 || d.Base < 1 || d.LastN == 0 {
		return
	}
	x := history
	if d.LastN > 0 && len(x) > d.LastN {
		x = x[len(x)-d.LastN:]
	}
	limit := d.limit(x)
	if len(x) < 2 || limit < d.AllowedLength {
		return
	}
	sc.commonSuffixes(x)
	sc.pairs = sc.pairs[:0]
	for j := range len(x) - 1 {
		n := min(int(sc.z[j]), limit)
		if id := x[j+1]; n >= max(d.AllowedLength, 1) && !d.single[id] && int(id) < len(logits) {
			sc.pairs = append(sc.pairs, pair{id, int32(n)})
		}
	}
	// The longest repetition of each token counts, and only that.
	slices.SortFunc(sc.pairs, func(a, b pair) int {
		if a.id != b.id {
			return int(a.id) - int(b.id)
		}
		return int(b.n) - int(a.n)
	})
	for i, p := range sc.pairs {
		if i > 0 && sc.pairs[i-1].id == p.id {
			continue
		}
		e := float64(int(p.n) - d.AllowedLength)
		if d.maxExp > 0 {
			e = min(e, d.maxExp)
		}
		sc.set(logits, p.id, logits[p.id]-float32(d.Multiplier*math.Pow(d.Base, e)))
	}
}

// limit returns how many tokens at the end of x lie behind the last breaker.
func (d *dry) limit(x []int32) int {
	for i, id := range slices.Backward(x) {
		if d.single[id] {
			return len(x) - 1 - i
		}
		for _, b := range d.byLast[id] {
			if i+1 >= len(b) && slices.Equal(x[i+1-len(b):i+1], b) {
				return len(x) - 1 - i
			}
		}
	}
	return len(x)
}

// commonSuffixes sets z[j] to the length of the longest common suffix of
// x[:j+1] and x. It is the Z-algorithm run backwards: [j-z, j] is the window
// found so far that reaches furthest to the left, and inside it the answer is
// copied from the mirror place.
func (sc *Scratch) commonSuffixes(x []int32) {
	n := len(x)
	sc.z = slices.Grow(sc.z[:0], n)[:n]
	z := sc.z
	z[n-1] = int32(n)
	l, r := n-1, n-1 // the window (l, r]: x[l+1..r] equals the end of x
	for j := n - 2; j >= 0; j-- {
		k := 0
		if j > l {
			k = min(int(z[n-1-(r-j)]), j-l)
		}
		for k <= j && x[j-k] == x[n-1-k] {
			k++
		}
		z[j] = int32(k)
		if j-k < l {
			l, r = j-k, j
		}
	}
}

// DefaultBreakers are the texts that end a repetition unless others are given.
var DefaultBreakers = []string{"\n", ":", "\"", "*"}

// Breakers turns texts into token sequences for DRY.Breakers: every token of
// the vocabulary that contains the text, and, for texts longer than a
// character, the text as encode splits it.
func Breakers(texts []string, vocab int, piece func(id int32) string, encode func(string) []int32) [][]int32 {
	var out [][]int32
	for _, text := range texts {
		if text == "" {
			continue
		}
		for id := range int32(vocab) {
			if strings.Contains(piece(id), text) {
				out = append(out, []int32{id})
			}
		}
		if len(text) > 1 {
			out = append(out, encode(text))
		}
	}
	return out
}
