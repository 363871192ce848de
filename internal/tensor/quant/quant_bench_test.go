package quant

import "testing"

func BenchmarkUnpack(b *testing.B) {
	for _, ty := range blockTypes() {
		b.Run("type="+ty.String(), func(b *testing.B) {
			const n = 4096
			src := splitmix(1, n/ty.BlockElems()*ty.BlockBytes())
			q, scale, min := make([]int8, n), make([]float32, n/GroupElems), make([]float32, n/GroupElems)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Unpack(ty, src, q, scale, min); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}

func BenchmarkDequantize(b *testing.B) {
	for _, ty := range []Type{F16, BF16, Q4_0, Q8_0, Q4_K, Q6_K, IQ2_XXS, MXFP4} {
		b.Run("type="+ty.String(), func(b *testing.B) {
			const n = 4096
			src, dst := splitmix(1, n/ty.BlockElems()*ty.BlockBytes()), make([]float32, n)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Dequantize(ty, dst, src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}

func BenchmarkQuantize(b *testing.B) {
	x := synthetic(0)
	for _, ty := range Types() {
		if !CanQuantize(ty) {
			continue
		}
		b.Run("type="+ty.String(), func(b *testing.B) {
			dst := mustQuantize(b, ty, x)
			b.SetBytes(int64(4 * len(x)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Quantize(ty, dst, x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
