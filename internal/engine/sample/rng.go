package sample

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
)

// stream is the second half of every generator's seed: an arbitrary constant.
const stream = 0x686f6c6466617374 // "holdfast"

// rng is PCG-DXSM with 128 bits of state, as math/rand/v2 defines it: the same
// seed gives the same numbers on every machine and in every version of Go (its
// test pins them). Each draw takes 53 bits, the precision of a float64.
type rng struct{ pcg rand.PCG }

func (r *rng) seed(s uint64) { r.pcg.Seed(s, stream) }

// float64 returns a number in [0,1).
func (r *rng) float64() float64 { return float64(r.pcg.Uint64()>>11) / (1 << 53) }

// randomSeed returns a seed from the system, never RandomSeed itself.
func randomSeed() uint64 {
	var b [8]byte
	_, _ = cryptorand.Read(b[:]) // never fails: it aborts the program instead
	return binary.LittleEndian.Uint64(b[:]) >> 1
}
