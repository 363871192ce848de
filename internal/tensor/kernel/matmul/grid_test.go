package matmul

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

func TestUnpackRowEqualsQuant(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, typ := range testTypes() {
			if typ.BlockElems() == 1 || typ.HasMin() {
				continue
			}
			for blocks := 1; blocks < 40; blocks += 1 + blocks/4 {
				cols := blocks * typ.BlockElems()
				src := guarded[byte](t, mustRowBytes(typ, cols))
				copy(src, randomRows(rng, typ, 1, cols))
				q, scale := guarded[int8](t, cols), guarded[float32](t, cols/quant.GroupElems)
				wantQ, wantScale := make([]int8, cols), make([]float32, cols/quant.GroupElems)
				if err := unpackRow(typ, src, q, scale); err != nil {
					t.Fatal(err)
				}
				if err := quant.Unpack(typ, src, wantQ, wantScale, nil); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(q, wantQ) {
					t.Fatalf("%s with %d blocks: codes differ\ngot  %v\nwant %v", typ, blocks, q, wantQ)
				}
				if i := sameBits(scale, wantScale); i >= 0 {
					t.Fatalf("%s with %d blocks: scale %d: got %v, want %v", typ, blocks, i, scale[i], wantScale[i])
				}
			}
		}
	})
}
