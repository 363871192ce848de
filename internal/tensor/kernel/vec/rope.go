package vec

// A rotary position turns pairs of elements of a head by angles that grow with
// the position. Which two elements make a pair is all that the two layouts
// differ in: neighbours, as the original paper and GGUF's "norm" have it, or
// elements half a head apart, as GPT-NeoX has it.

// RopeNorm rotates the pairs (x[2i], x[2i+1]) by the angles whose cosine and
// sine are cs[2i] and cs[2i+1]. It panics if the lengths differ or are odd.
func RopeNorm(x, cs []float32) {
	checkRope(x, cs)
	ropeNorm(x, cs)
}

func ropeNormGo(x, cs []float32) {
	cs = cs[:len(x)]
	for i := 0; i+1 < len(x); i += 2 {
		a, b, c, s := x[i], x[i+1], cs[i], cs[i+1]
		x[i] = a*c - b*s
		x[i+1] = a*s + b*c
	}
}

// RopeNeox rotates the pairs (x[i], x[i+len(x)/2]) by the angles whose cosine
// and sine are cs[2i] and cs[2i+1]. It panics if the lengths differ or are odd.
func RopeNeox(x, cs []float32) {
	checkRope(x, cs)
	ropeNeox(x, cs)
}

func ropeNeoxGo(x, cs []float32) {
	half := len(x) / 2
	lo, hi, cs := x[:half], x[half:half*2], cs[:half*2]
	for i, a := range lo {
		b, c, s := hi[i], cs[2*i], cs[2*i+1]
		lo[i] = a*c - b*s
		hi[i] = a*s + b*c
	}
}

func checkRope(x, cs []float32) {
	check("a rotation", len(x), len(cs))
	if len(x)%2 != 0 {
		panic("vec: a rotation of an odd number of elements")
	}
}
